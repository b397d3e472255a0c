import java.io.BufferedReader;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.HttpURLConnection;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.net.ProxySelector;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;

/**
 * Asks for what standard input lists, one `name method url` a line, and prints what came of each as JSON. The first argument
 * is the library, HttpURLConnection or HttpClient, the second one, if there is one, the proxy.
 */
public class Fetch {
    public static void main(String[] args) throws Exception {
        System.setProperty("http.keepAlive", "false");
        System.setProperty("jdk.httpclient.keepalive.timeout", "0");
        InetSocketAddress proxy = null;
        if (args.length > 1) {
            URI uri = new URI(args[1]);
            proxy = new InetSocketAddress(uri.getHost(), uri.getPort());
        }
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            String[] parts = line.split(" ");
            String result;
            try {
                result = args[0].equals("HttpClient") ? byClient(proxy, parts) : byConnection(proxy, parts);
            } catch (Exception error) {
                result = "\"error\":" + quote(error.toString());
            }
            System.out.println("{\"name\":" + quote(parts[0]) + "," + result + "}");
        }
    }

    static String byConnection(InetSocketAddress at, String[] parts) throws Exception {
        Proxy proxy = at == null ? Proxy.NO_PROXY : new Proxy(Proxy.Type.HTTP, at);
        HttpURLConnection connection = (HttpURLConnection) new URI(parts[2]).toURL().openConnection(proxy);
        connection.setRequestMethod(parts[1]);
        connection.setInstanceFollowRedirects(false);
        connection.setReadTimeout(10_000);
        int status = connection.getResponseCode();
        try (InputStream stream = status >= 400 ? connection.getErrorStream() : connection.getInputStream()) {
            return tell(status, stream == null ? new byte[0] : stream.readAllBytes());
        }
    }

    static HttpClient client;

    static String byClient(InetSocketAddress at, String[] parts) throws Exception {
        if (client == null) {
            HttpClient.Builder builder = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1);
            client = (at == null ? builder : builder.proxy(ProxySelector.of(at))).build();
        }
        HttpRequest request = HttpRequest.newBuilder(new URI(parts[2]))
            .timeout(Duration.ofSeconds(10))
            .method(parts[1], HttpRequest.BodyPublishers.noBody())
            .build();
        HttpResponse<byte[]> response = client.send(request, HttpResponse.BodyHandlers.ofByteArray());
        return tell(response.statusCode(), response.body());
    }

    static String tell(int status, byte[] content) {
        return "\"status\":" + status + ",\"content\":" + quote(new String(content, StandardCharsets.ISO_8859_1));
    }

    static String quote(String text) {
        StringBuilder quoted = new StringBuilder("\"");
        for (char character : text.toCharArray()) quoted.append(String.format("\\u%04x", (int) character));
        return quoted.append('"').toString();
    }
}
