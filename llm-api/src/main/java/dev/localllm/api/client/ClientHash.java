package dev.localllm.api.client;

import dev.localllm.core.limit.ClientId;
import java.nio.charset.StandardCharsets;
import java.security.InvalidKeyException;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * Hashes client ids, so that the log distinguishes clients without naming them. Use a new random key at each start:
 * then nobody can find an address by trying all of them. Thread-safe.
 */
public final class ClientHash {

    private static final String ALGORITHM = "HmacSHA256";
    private static final int SHOWN_BYTES = 6;

    /** Never used itself, only its copies: a Mac is not thread-safe, and looking it up is costly. */
    private final Mac keyed;

    public ClientHash(byte[] key) {
        try {
            keyed = Mac.getInstance(ALGORITHM);
            keyed.init(new SecretKeySpec(key, ALGORITHM));
        } catch (NoSuchAlgorithmException | InvalidKeyException e) {
            throw new IllegalStateException("every Java has " + ALGORITHM, e);
        }
        copy(); // fails here, not for each request
    }

    public String of(ClientId client) {
        byte[] hash = copy().doFinal(client.value().getBytes(StandardCharsets.UTF_8));
        return HexFormat.of().formatHex(hash, 0, SHOWN_BYTES);
    }

    private Mac copy() {
        try {
            return (Mac) keyed.clone();
        } catch (CloneNotSupportedException e) {
            throw new IllegalStateException("Java's own " + ALGORITHM + " can be copied", e);
        }
    }
}
