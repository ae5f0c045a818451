// SPDX-License-Identifier: MIT
// Looks up hosts in p0f-lookupd: one with GET /host/IP, several at once with POST /hosts.
//
//     java -cp /usr/share/java/gson.jar Lookup.java 192.0.2.7 2001:db8::1
//
// The daemon is at P0F_LOOKUPD_URL, by default http://127.0.0.1:5030. Prints a line for each host. Exit
// status: 0 if p0f knows every host, 1 if it does not know some, 2 on failure. Needs JDK 17 and, as that
// has no JSON, Gson 2.10 (in Debian, default-jdk-headless and libgoogle-gson-java).
import com.google.gson.Gson;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Objects;
import java.util.stream.Collectors;
import java.util.stream.Stream;

class Lookup {
    static final String URL = System.getenv().getOrDefault("P0F_LOOKUPD_URL", "http://127.0.0.1:5030");
    static final HttpClient CLIENT = HttpClient.newHttpClient();
    static final Gson GSON = new Gson();

    /** What p0f knows, or some of it. What it does not know is null. */
    record Host(String os_name, String os_flavor) {}

    /** The outcome for one of several hosts: the detail if there is no host. */
    record Item(String query, int status, Host host, String detail) {}

    record Problem(String type, String detail) {}

    /** The response, or null if p0f does not know the host. */
    static <T> T ask(HttpRequest.Builder request, Class<T> type) throws IOException, InterruptedException {
        var response = CLIENT.send(request.timeout(Duration.ofSeconds(2)).build(), BodyHandlers.ofString());
        if (response.statusCode() == 200)
            return Objects.requireNonNull(GSON.fromJson(response.body(), type), URL + ": empty response");
        if (!response.headers().firstValue("Content-Type").orElse("").equals("application/problem+json"))
            throw new IOException(URL + ": HTTP status " + response.statusCode());
        var problem = GSON.fromJson(response.body(), Problem.class);
        if (problem.type.equals("urn:p0f-lookupd:no-match"))
            return null;
        throw new IOException(problem.detail);
    }

    /** What p0f knows about a host. */
    static Host lookup(String ip) throws IOException, InterruptedException {
        var segment = URLEncoder.encode(ip, StandardCharsets.UTF_8).replace("+", "%20");
        return ask(HttpRequest.newBuilder(URI.create(URL + "/host/" + segment)), Host.class);
    }

    /** The same about several. */
    static Item[] lookupAll(String... ips) throws IOException, InterruptedException {
        var request = HttpRequest.newBuilder(URI.create(URL + "/hosts"));
        request.header("Content-Type", "application/json").POST(BodyPublishers.ofString(GSON.toJson(ips)));
        return ask(request, Item[].class);
    }

    static void show(String ip, Host host, String reason) {
        var names = host == null ? Stream.of(reason) : Stream.of(host.os_name, host.os_flavor);
        var text = names.filter(Objects::nonNull).collect(Collectors.joining(" "));
        System.out.println(ip + ": " + (text.isEmpty() ? "unknown OS" : text));
    }

    static int run(String... ips) throws IOException, InterruptedException {
        if (ips.length == 1) {
            var host = lookup(ips[0]);
            show(ips[0], host, "p0f does not know " + ips[0]);
            return host == null ? 1 : 0;
        }
        var items = lookupAll(ips);
        for (var item : items)
            show(item.query, item.host, item.detail);
        var statuses = Stream.of(items).mapToInt(item -> item.status == 200 ? 0 : item.status == 404 ? 1 : 2);
        return statuses.max().orElse(0);
    }

    public static void main(String... ips) {
        int status = 2;
        try {
            status = run(ips);
        } catch (Exception error) {
            System.err.println("lookup: " + Objects.requireNonNullElse(error.getMessage(), error.toString()));
        }
        System.exit(status);
    }
}
