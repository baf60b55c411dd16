package dev.localllm.api.openai;

import dev.localllm.api.json.Fields;
import dev.localllm.core.chat.Part;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Reads an image from a data URL. Its type is that of its first bytes, whatever the URL says. */
public final class ImageUrl {

    private static final String EXPECTED =
            "a data URL such as data:image/png;base64,…, with a PNG, JPEG, GIF or WebP file; the server fetches nothing";

    /** Applied to the beginning of a URL only. */
    private static final Pattern HEAD = Pattern.compile("data:image/[\\w.+-]{1,32};base64,", Pattern.CASE_INSENSITIVE);

    private static final int MAX_HEAD = 64;

    /** Base64 of the first 12 bytes. */
    private static final int SNIFFED = 16;

    /** The first bytes of each type, in ISO 8859-1; a dot stands for any byte. */
    private static final List<Pattern> TYPES = List.of(
            Pattern.compile("\u0089PNG\r\n\u001a\n.*", Pattern.DOTALL),
            Pattern.compile("\u00ff\u00d8\u00ff.*", Pattern.DOTALL),
            Pattern.compile("GIF8[79]a.*", Pattern.DOTALL),
            Pattern.compile("RIFF....WEBP", Pattern.DOTALL));

    private ImageUrl() {}

    /** Reads the field, which is required. */
    public static Part.Image read(Fields fields, String name) {
        String url = fields.string(name);
        if (url == null) {
            throw fields.missing(name, EXPECTED);
        }
        Matcher head = HEAD.matcher(url.substring(0, Math.min(url.length(), MAX_HEAD)));
        if (!head.lookingAt()) {
            throw fields.wrong(name, EXPECTED);
        }
        String base64 = url.substring(head.end());
        if (!isBase64(base64) || !isImage(base64)) {
            throw fields.wrong(name, EXPECTED);
        }
        return new Part.Image(base64);
    }

    private static boolean isImage(String base64) {
        if (base64.length() < SNIFFED) {
            return false;
        }
        String start =
                new String(Base64.getDecoder().decode(base64.substring(0, SNIFFED)), StandardCharsets.ISO_8859_1);
        return TYPES.stream().anyMatch(type -> type.matcher(start).matches());
    }

    /** Checks without decoding: an image may have megabytes. */
    private static boolean isBase64(String text) {
        int end = text.length();
        for (int padding = 0; padding < 2 && end > 0 && text.charAt(end - 1) == '='; padding++) {
            end--;
        }
        for (int i = 0; i < end; i++) {
            if (!isBase64(text.charAt(i))) {
                return false;
            }
        }
        return text.length() % 4 == 0;
    }

    private static boolean isBase64(char c) {
        return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/';
    }
}
