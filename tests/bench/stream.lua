-- wrk script: GETs the paths in a file, one a line, in an order that is random but the same in
-- every run, so that two servers are asked the same things. Ends with one line for measure.py.
-- usage: wrk -s stream.lua URL -- PATHS_FILE

local requests = {}

function init(args)
    for path in io.lines(args[1]) do
        requests[#requests + 1] = wrk.format("GET", path)
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
