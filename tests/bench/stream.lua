-- SPDX-License-Identifier: MIT
-- wrk script: makes the requests in a file, one a line, in an order that is random but the same in
-- every run, so that two servers are asked the same things. A line is a path to GET, or a path, a
-- space and the JSON to POST there. Ends with one line for measure.py.
-- usage: wrk -s stream.lua URL -- REQUESTS_FILE

local requests = {}
local json = {["Content-Type"] = "application/json"}

function init(args)
    for line in io.lines(args[1]) do
        local path, body = line:match("^(%S+) (.+)$")
        requests[#requests + 1] = body and wrk.format("POST", path, json, body)
            or wrk.format("GET", line)
    end
    math.randomseed(1)
end

function request()
    return requests[math.random(#requests)]
end

function done(summary, latency)
    local e = summary.errors
    local errors = e.connect + e.read + e.write + e.status + e.timeout
    io.write(string.format('\nSUMMARY {"requests": %d, "seconds": %f, "errors": %d',
        summary.requests, summary.duration / 1e6, errors))
    for _, share in ipairs({50, 90, 99, 99.9}) do
        io.write(string.format(', "p%g": %f', share, latency:percentile(share)))
    end
    io.write("}\n")
end
