package dev.localllm.ollama.simulator;

import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.stream.Collectors;
import tools.jackson.databind.JsonNode;

/** Reads images in base64. Their content is ignored. */
final class Images {

    private static final Base64.Decoder DECODER = Base64.getMimeDecoder();

    private Images() {}

    /** The sizes of the images in bytes. */
    static List<Integer> sizes(JsonNode images, String field) {
        GoJson.typed(images, field, JsonNode::isArray, "[]api.ImageData");
        List<Integer> sizes = new ArrayList<>();
        for (JsonNode image : images) {
            GoJson.typed(image, field, JsonNode::isString, "[]uint8");
            sizes.add(size(image.asString("")));
        }
        return sizes;
    }

    /** What a model says about images. */
    static String description(List<Integer> sizes) {
        String bytes = sizes.stream().map(size -> size + " bytes").collect(Collectors.joining(", "));
        return "I see " + sizes.size() + (sizes.size() == 1 ? " image (" : " images (") + bytes + ").";
    }

    private static int size(String base64) {
        for (int i = 0; i < base64.length(); i++) {
            if (!isLegal(base64.charAt(i))) {
                throw illegal(i);
            }
        }
        try {
            return DECODER.decode(base64).length;
        } catch (IllegalArgumentException e) {
            throw illegal(base64.length());
        }
    }

    private static boolean isLegal(char c) {
        return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || "+/=\r\n".indexOf(c) >= 0;
    }

    private static Refusal illegal(int index) {
        return new Refusal(400, "illegal base64 data at input byte " + index);
    }
}
