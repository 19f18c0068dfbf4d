-- For wrk: each connection waits between two requests, PAUSE milliseconds on average ('-- PAUSE' behind the URL).
function init(args) pause = tonumber(args[1]) end
function delay() return math.random(0, 2 * pause) end
