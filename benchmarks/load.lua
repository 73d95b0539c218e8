-- wrk's script: posts the lines of the file named by the environment's BODIES in turn, with the token of TOKEN if set,
-- and prints one JSON line: requests, duration (us), errors, latency percentiles (us).
-- With FIRST_PERSON set, @PERSON@ in a body becomes a name that no request before had, counted on from there.
local bodies, at = {}, 0
local person = tonumber(os.getenv("FIRST_PERSON"))
for line in io.lines(os.getenv("BODIES")) do bodies[#bodies + 1] = line end
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
if os.getenv("TOKEN") then wrk.headers["Authorization"] = "Bearer " .. os.getenv("TOKEN") end

function request()
  at = at % #bodies + 1
  if person == nil then return wrk.format(nil, nil, nil, bodies[at]) end
  person = person + 1
  return wrk.format(nil, nil, nil, (string.gsub(bodies[at], "@PERSON@", "p" .. person)))
end

function done(summary, latency, requests)
  local e = summary.errors
  io.write(string.format(
    '{"requests":%d,"duration_us":%d,"errors":%d,"p50_us":%d,"p99_us":%d}\n',
    summary.requests, summary.duration, e.connect + e.read + e.write + e.status + e.timeout,
    latency:percentile(50), latency:percentile(99)))
end
