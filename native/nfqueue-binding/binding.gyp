{
  "target_defaults": {
    "cflags": ["-std=gnu11", "-O3", "-Wall", "-Wextra", "-Wshadow", "-Wconversion", "-Wno-sign-conversion", "-Wno-missing-field-initializers", "-fvisibility=hidden", "-fstack-protector-strong"],
    "defines": ["_FORTIFY_SOURCE=2"]
  },
  "targets": [
    {
      "target_name": "nfqueue",
      "sources": [
        "src/addon.c", "src/addon_sockets.c", "src/queue.c", "src/message.c", "src/checksum.c", "src/raw_socket.c",
        "src/socket_diag.c", "src/transparent_socket.c", "src/ip_set.c", "src/ip_set_addon.c", "src/rights.c",
        "src/rights_addon.c", "src/thread_slice.c", "src/huge_pages.c"
      ]
    },
    {
      "target_name": "accept-all",
      "type": "executable",
      "sources": ["src/accept_all.c", "src/ip_set.c", "src/queue.c", "src/message.c", "src/checksum.c"],
      "ldflags": ["-pthread"]
    }
  ]
}
