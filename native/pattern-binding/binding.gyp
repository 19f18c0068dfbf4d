{
  'targets': [
    {
      'target_name': 'pattern_binding',
      'sources': [
        'addon/arguments.cc',
        'addon/byte_patterns.cc',
        'addon/database.cc',
        'addon/literal.cc',
        'addon/literal_search.cc',
        'addon/module.cc',
        'addon/placed_patterns.cc',
        'addon/regex.cc',
        'addon/regex_search.cc',
        'addon/runtime.cc',
        'addon/scanner.cc',
      ],
      'defines': ['NAPI_VERSION=8', 'PCRE2_CODE_UNIT_WIDTH=8'],
      'cflags': ['<!@(pkg-config --cflags libhs libpcre2-8)', '-Wall', '-Wextra', '-O2', '-fvisibility=hidden'],
      'cflags_cc': ['-std=c++17'],
      'libraries': ['<!@(pkg-config --libs libhs libpcre2-8)'],
    },
  ],
}
