// SPDX-License-Identifier: MIT
// Looks up hosts in p0f-lookupd with POST /hosts, one address per line; in the response, each has its own
// status. For a single host there is also GET /host/IP: its response is the "host" below or, if p0f does not
// know the host, a problem document with status 404 and type urn:p0f-lookupd:no-match.
//
//     java -cp /usr/share/java/gson.jar Lookup.java 192.0.2.7 2001:db8::1
//
// The daemon is at P0F_LOOKUPD_URL, by default http://127.0.0.1:5030. Prints a line for each host. Exit
// status: 0 if p0f knows every host, 1 if it does not know some, 2 on failure. Needs JDK 17 and, as that
// has no JSON, Gson 2.10 (in Debian, default-jdk-headless and libgoogle-gson-java).
import static java.util.stream.Collectors.joining;

import com.google.gson.Gson;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.Objects;
import java.util.stream.Stream;

class Lookup {
    static final String URL = System.getenv().getOrDefault("P0F_LOOKUPD_URL", "http://127.0.0.1:5030");

    record Host(String os_name, String os_flavor) {}

    /** The outcome for a host: what p0f knows, or the detail that says why there is no host. */
    record Item(String query, int status, Host host, String detail) {}

    static Item[] lookup(String... ips) throws IOException, InterruptedException {
        var request = HttpRequest.newBuilder(URI.create(URL + "/hosts")).timeout(Duration.ofSeconds(2));
        request.header("Content-Type", "text/plain").POST(BodyPublishers.ofString(String.join("\n", ips)));
        var response = HttpClient.newHttpClient().send(request.build(), BodyHandlers.ofString());
        if (response.statusCode() == 200)
            return new Gson().fromJson(response.body(), Item[].class);
        if (!response.headers().firstValue("Content-Type").orElse("").equals("application/problem+json"))
            throw new IOException(URL + ": HTTP status " + response.statusCode());
        throw new IOException(new Gson().fromJson(response.body(), Item.class).detail);
    }

    public static void main(String... ips) {
        int worst = 0;
        try {
            for (var item : lookup(ips)) {
                var host = item.host == null ? new Host(item.detail, null) : item.host;
                var text = Stream.of(host.os_name, host.os_flavor).filter(Objects::nonNull).collect(joining(" "));
                System.out.println(item.query + ": " + (text.isEmpty() ? "unknown OS" : text));
                worst = Math.max(worst, item.status == 200 ? 0 : item.status == 404 ? 1 : 2);
            }
        } catch (Exception error) {
            System.err.println("lookup: " + error);
            worst = 2;
        }
        System.exit(worst);
    }
}
