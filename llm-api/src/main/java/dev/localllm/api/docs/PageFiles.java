package dev.localllm.api.docs;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.springframework.http.MediaType;

/** The files of the page: our own, and those of Swagger UI that it uses, from its webjar. Thread-safe. */
final class PageFiles {

    /**
     * One file.
     *
     * @param isOwn false for a file of Swagger UI
     */
    record PageFile(String name, MediaType type, boolean isOwn) {

        /** The file's content, which is read once and must not be changed. */
        byte[] bytes() {
            return BYTES.computeIfAbsent(this, file -> read((file.isOwn ? OWN : swaggerUi()) + file.name));
        }
    }

    private static final String OWN = "/docs/";
    private static final String SWAGGER_UI = "/META-INF/resources/webjars/swagger-ui/";
    private static final String SWAGGER_UI_VERSION = "/META-INF/maven/org.webjars/swagger-ui/pom.properties";
    private static final MediaType SCRIPT = MediaType.parseMediaType("text/javascript;charset=utf-8");
    private static final MediaType STYLE = MediaType.parseMediaType("text/css;charset=utf-8");

    static final PageFile DOCUMENT = new PageFile("openapi.json", MediaType.APPLICATION_JSON, true);
    static final PageFile PAGE = new PageFile("index.html", MediaType.parseMediaType("text/html;charset=utf-8"), true);

    private static final Map<String, PageFile> FILES = Map.of(
            "docs.js", new PageFile("docs.js", SCRIPT, true),
            "docs.css", new PageFile("docs.css", STYLE, true),
            "swagger-ui-bundle.js", new PageFile("swagger-ui-bundle.js", SCRIPT, false),
            "swagger-ui.css", new PageFile("swagger-ui.css", STYLE, false),
            "favicon-32x32.png", new PageFile("favicon-32x32.png", MediaType.IMAGE_PNG, false));

    /** The files that were asked for: those of Swagger UI have 2 MB, and are compressed in their jar. */
    private static final Map<PageFile, byte[]> BYTES = new ConcurrentHashMap<>();

    private PageFiles() {}

    /** A file that the page loads; null if it is none of them. */
    static @Nullable PageFile named(String name) {
        return FILES.get(name);
    }

    /** The folder in the webjar has its version in its name. */
    private static String swaggerUi() {
        Properties properties = new Properties();
        try (InputStream file = open(SWAGGER_UI_VERSION)) {
            properties.load(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return SWAGGER_UI + properties.getProperty("version") + "/";
    }

    private static byte[] read(String path) {
        try (InputStream file = open(path)) {
            return file.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static InputStream open(String path) throws IOException {
        InputStream file = PageFiles.class.getResourceAsStream(path);
        if (file == null) {
            throw new FileNotFoundException(path);
        }
        return file;
    }
}
