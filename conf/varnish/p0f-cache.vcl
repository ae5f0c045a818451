# SPDX-License-Identifier: MIT
# p0f-cache.vcl - example of Varnish as an HTTP cache in front of p0f-lookupd. Requires Varnish 7,
# which Debian 12 and 13 have. Adapt it and put it into /etc/varnish as default.vcl. Clients then use
# Varnish, by default on port 6081 of all addresses (-a in varnish.service). If p0f-lookupd runs on
# another machine, add the address of this one to http.trusted_proxies there.
#
# Varnish follows what p0f-lookupd says about how long to keep an answer: max-age (cache.ttl), then
# stale-while-revalidate, and stale-if-error while p0f-lookupd is down, hangs or returns an error.
# Age counts, so an answer is never older than p0f-lookupd allows. Expired answers are revalidated
# with their ETag, so a 304 renews them. What Varnish did is appended to Cache-Status (RFC 9211).
#
# Only answers about single hosts are cached: not /self, batches, ?wait, or requests with Authorization.

vcl 4.1;

import std;

# With http.token_file, use a unix socket, which needs no token, instead of .host and .port:
# .path = "/run/p0f-lookupd/http.sock"; requests with Authorization are not cached.
backend p0f_lookupd {
	.host = "127.0.0.1";	# as in http.listen
	.port = "5030";

	# A request with ?wait=5000 can take that long plus p0f.timeout.
	.connect_timeout = 1s;
	.first_byte_timeout = 10s;

	# Check /livez, not /readyz: with /readyz, Varnish would answer 503 while p0f is down, even for
	# hosts that p0f-lookupd has cached.
	.probe = {
		.url = "/livez";
		.interval = 1s;
		.timeout = 1s;
		.window = 3;
		.threshold = 2;
		.initial = 2;
	}
}

# Whoever can connect here can ask about any host, so only these may.
acl clients {
	"127.0.0.0"/8;
	"::1";
}

sub vcl_recv {
	if (client.ip !~ clients) {
		return (synth(403));
	}

	# For /self. Otherwise Varnish would append the address to what the client sent, which
	# p0f-lookupd believes if the client is in http.trusted_proxies.
	set req.http.X-Forwarded-For = client.ip;

	# Answers about hosts are the same for all clients. ?wait asks p0f again about an unknown host.
	if ((req.method != "GET" && req.method != "HEAD") || req.url !~ "^/host/" ||
	    req.url ~ "[?&]wait=" || req.http.Authorization) {
		return (pass);
	}

	# X-Expired says what to do with an expired answer; see vcl_hit.
	if (req.restarts == 0) {
		unset req.http.X-Expired;
	}
	set req.grace = 1y;
	if (req.http.X-Expired == "revalidate") {
		set req.grace = 0s;
	}

	# Varnish does not pass Cache-Control on by itself; see vcl_backend_fetch.
	set req.http.X-Cache-Control = req.http.Cache-Control;
	if (req.http.Cache-Control ~ "(?i)no-cache") {
		set req.hash_always_miss = true;
	}
	return (hash);
}

# An expired answer is served at once within stale-while-revalidate. After that, ask p0f-lookupd first,
# and serve it if that fails.
sub vcl_hit {
	if (obj.ttl < 0s && !req.http.X-Expired && obj.ttl + std.duration(
	    regsub(obj.http.Cache-Control, "^.*stale-while-revalidate=(\d+).*$", "\1s"), 0s) < 0s) {
		set req.http.X-Expired = "revalidate";
		return (restart);
	}
	return (deliver);
}

sub vcl_backend_fetch {
	if (!bereq.uncacheable) {
		set bereq.first_byte_timeout = 2s;	# must exceed p0f.timeout
		set bereq.http.Cache-Control = bereq.http.X-Cache-Control;
	}
}

sub vcl_backend_response {
	# For Cache-Status; see vcl_deliver.
	if (bereq.uncacheable) {
		set beresp.http.X-Cache = "fwd=bypass";
	} elsif (beresp.was_304) {
		set beresp.http.X-Cache = "fwd=stale; fwd-status=304";
	} elsif (bereq.http.If-None-Match) {
		set beresp.http.X-Cache = "fwd=stale";
	} elsif (bereq.http.Cache-Control ~ "(?i)no-cache") {
		set beresp.http.X-Cache = "fwd=request";
	} else {
		set beresp.http.X-Cache = "fwd=uri-miss";
	}

	if (bereq.uncacheable) {
		return (deliver);
	}
	# An error would replace the expired answer.
	if (beresp.status >= 500 && (bereq.is_bgfetch || bereq.http.X-Expired)) {
		return (error(beresp.status, beresp.reason));
	}
	if (beresp.http.Cache-Control !~ "max-age=") {
		set beresp.uncacheable = true;
		set beresp.ttl = 0s;
		return (deliver);
	}

	# Varnish does not know stale-if-error by itself.
	set beresp.grace = std.duration(regsub(beresp.http.Cache-Control,
	    "^.*stale-while-revalidate=(\d+).*$", "\1s"), 0s);
	if (beresp.grace < std.duration(regsub(beresp.http.Cache-Control,
	    "^.*stale-if-error=(\d+).*$", "\1s"), 0s)) {
		set beresp.grace = std.duration(regsub(beresp.http.Cache-Control,
		    "^.*stale-if-error=(\d+).*$", "\1s"), 0s);
	}
	set beresp.keep = 10m;	# for a while longer, to be revalidated
	return (deliver);
}

sub vcl_backend_error {
	# Nor may this error replace it.
	if (bereq.http.X-Expired) {
		set beresp.ttl = 0s;
	}
}

sub vcl_deliver {
	if (resp.status >= 500 && req.http.X-Expired == "revalidate") {
		set req.http.X-Expired = "serve";
		return (restart);
	}
	if (obj.hits > 0) {
		set resp.http.X-Cache = "hit; ttl=" + std.integer(duration = obj.ttl, fallback = 0);
		if (obj.ttl < 0s) {
			set resp.http.X-Cache = resp.http.X-Cache + "; detail=stale";
		}
	}
	if (resp.http.Cache-Status) {
		set resp.http.Cache-Status = resp.http.Cache-Status + ", varnish; " + resp.http.X-Cache;
	}
	unset resp.http.X-Cache;
}
