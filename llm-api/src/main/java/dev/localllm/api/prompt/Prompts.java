package dev.localllm.api.prompt;

import dev.localllm.core.prompt.PromptCatalog;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The prompts of a folder. Thread-safe. */
public final class Prompts implements Supplier<PromptCatalog> {

    private static final Logger log = LoggerFactory.getLogger(Prompts.class);

    private final PromptFolder folder;
    private final boolean reloads;
    private Map<Path, State> seen;
    private volatile PromptCatalog catalog;

    /** Of the last read; empty if it had none. */
    private String fault = "";

    private record State(FileTime modified, long size) {}

    /**
     * Reads the folder. Throws an {@link InvalidPromptsException} if it has faults.
     *
     * @param reloads true for development: then {@link #get} looks at the folder, and so blocks for a moment; unless the folder
     *     is missing at the start
     */
    public Prompts(PromptFolder folder, boolean reloads) {
        this.folder = folder;
        this.reloads = reloads && Files.exists(folder.path());
        this.seen = look();
        this.catalog = folder.read();
    }

    /**
     * The prompts of the start, or if they are reloaded, of now. After a change with faults, which are logged once, the
     * previous prompts.
     */
    @Override
    public PromptCatalog get() {
        if (reloads) {
            reload();
        }
        return catalog;
    }

    private synchronized void reload() {
        Map<Path, State> now = look();
        if (now.equals(seen) && fault.isEmpty()) {
            return;
        }
        seen = now;
        try {
            catalog = folder.read();
            fault = "";
            log.info("Prompts: reloaded, {} in {}", catalog.prompts().size(), folder.path());
        } catch (InvalidPromptsException e) {
            String message = String.valueOf(e.getMessage());
            if (!fault.equals(message)) {
                log.error("Prompts: not reloaded. {}", message);
                fault = message;
            }
        }
    }

    private Map<Path, State> look() {
        Map<Path, State> states = new HashMap<>();
        try {
            for (Path file : folder.files()) {
                states.put(file, new State(Files.getLastModifiedTime(file), Files.size(file)));
            }
        } catch (IOException e) {
            return Map.of(); // a file has just gone, or the folder
        }
        return states;
    }
}
