-- SPDX-License-Identifier: MIT
-- p0f-forward-auth.lua - asks p0f-lookupd about the visitor of a request and sets the header fields that
-- tell the site. See p0f-forward-auth.conf.

local ADDRESS, PORT = "127.0.0.1", 5030     -- as in http.listen
local AUTHORIZATION = ""    -- with http.token_file, "Authorization: Bearer TOKEN\r\n"; the role is self

-- How long a visitor waits if p0f-lookupd hangs, in seconds. Must exceed p0f.first_contact_wait (25ms).
local PATIENCE = 0.25
-- For how long this thread then does not ask, in seconds.
local PAUSE = 1

local NAMES = {
    "Status", "OS", "OS-Name", "OS-Flavor", "HTTP", "Link", "Language", "Distance", "Uptime-Min", "NAT",
    "Bad-SW", "Match-Quality",
}

local found, socket = pcall(require, "socket")
local connection            -- of this thread to p0f-lookupd, if there is one
local timed_out_at          -- when p0f-lookupd hung
local last                  -- the visitor and fields of the last request of this thread, and when it was

local function connect()
    local new = socket.tcp()
    new:settimeout(PATIENCE)
    local connected, fault = new:connect(ADDRESS, PORT)
    if not connected then
        new:close()
        return nil, fault
    end
    new:setoption("tcp-nodelay", true)
    return new
end

-- The fields of the answer, by their names in lower case, or nil and why there is none. The connection can
-- be used again only in the first case.
local function exchange(request)
    local sent, fault = connection:send(request)
    if not sent then
        return nil, fault
    end
    local line
    line, fault = connection:receive("*l")
    if not line then
        return nil, fault
    elseif not line:find("^HTTP/1%.1 200 ") then
        return nil, line
    end
    local fields = {}
    repeat
        line, fault = connection:receive("*l")
        if not line then
            return nil, fault
        end
        local name, value = line:match("^([^:]+):%s*(.-)%s*$")
        if name then
            fields[name:lower()] = value
        end
    until line == ""
    if fields["content-length"] ~= "0" or not fields["x-p0f-status"] then
        return nil, "not an answer of p0f-lookupd"
    end
    return fields
end

local function close()
    connection:close()
    connection = nil
end

local function ask(visitor)
    local request = "GET /forward-auth HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: " .. visitor .. "\r\n" .. AUTHORIZATION .. "\r\n"
    local fields, fault
    if connection then
        fields, fault = exchange(request)
        if fields then
            return fields
        end
        close()
        if fault == "timeout" then
            return nil, fault
        end
        -- p0f-lookupd has closed it meanwhile.
    end
    connection, fault = connect()
    if not connection then
        return nil, fault
    end
    fields, fault = exchange(request)
    if not fields or fields["connection"] == "close" then
        close()
    end
    return fields, fault
end

local function is_recent(time, now)
    return time and now >= time and now < time + PAUSE
end

local ERROR = {["x-p0f-status"] = "error"}

local function find_fields(request)
    if not found then
        request:err(socket)         -- what require() said
        return ERROR
    end
    local visitor, now = request.useragent_ip, socket.gettime()
    -- Such as those that mod_dir makes to find index.html.
    local is_part = not request.is_initial_req
    if is_part and last and last.visitor == visitor and is_recent(last.time, now) then
        return last.fields
    end
    if is_recent(timed_out_at, now) then
        return ERROR
    end
    local fields, fault = ask(visitor)
    if not fields then
        request:err("p0f-lookupd at " .. ADDRESS .. ":" .. PORT .. ": " .. fault)
        fields = ERROR
    end
    timed_out_at = fault == "timeout" and socket.gettime() or nil
    last = {visitor = visitor, fields = fields, time = now}
    return fields
end

-- Also such names as x_p0f_os, which the site may take for one of ours.
local function is_ours(name)
    return name:lower():find("^x[-_.]p0f") ~= nil
end

-- Nothing but our answer is under these names, and the Connection field does not name them, since
-- mod_proxy would remove what it names.
local function set_fields(request, fields)
    for name in pairs(request:headers_in_table()) do
        if is_ours(name) then
            request.headers_in[name] = nil
        end
    end
    local hops = request.headers_in["Connection"]
    if hops then
        local kept = {}
        for name in hops:gmatch("[^%s,]+") do
            if not is_ours(name) then
                table.insert(kept, name)
            end
        end
        request.headers_in["Connection"] = table.concat(kept, ", ")
    end
    for _, name in ipairs(NAMES) do
        local value = fields["x-p0f-" .. name:lower()]
        if value and value ~= "" then
            request.headers_in["X-P0F-" .. name] = value
        end
    end
end

function tell_site(request)
    set_fields(request, find_fields(request))
    return apache2.DECLINED
end
