-- SPDX-License-Identifier: MIT
-- p0f-forward-auth.lua - the Lua part of p0f-forward-auth.cfg; see there. It asks p0f-lookupd about the
-- visitor, by way of the section "listen p0f-lookupd", and sets the fields of the answer in the request.
--
-- An error here does not concern the visitor: HAProxy logs it and goes on, and the site is told
-- X-P0F-Status: error, which is set before.

local function tell_site(txn)
    local visitor = txn.sf:src()
    if visitor == "" then -- over a unix socket
        return
    end
    local answer = core.httpclient():get{
        url = "http://localhost/forward-auth",
        dst = "abns@p0f-lookupd",
        headers = {["x-forwarded-for"] = {visitor}},
        -- Longer than both timeouts of that section, so that those take effect first: HAProxy retries a
        -- request that exceeds this one.
        timeout = 600
    }
    if answer.status ~= 200 then
        return
    end
    for name, values in pairs(answer.headers) do
        if name:find("^x%-p0f%-") and values[0] ~= "" then
            txn.http:req_set_header(name, values[0])
        end
    end
end

core.register_action("p0f", {"http-req"}, tell_site)
