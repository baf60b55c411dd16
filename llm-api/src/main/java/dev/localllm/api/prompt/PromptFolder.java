package dev.localllm.api.prompt;

import dev.localllm.core.prompt.Prompt;
import dev.localllm.core.prompt.PromptCatalog;
import dev.localllm.core.prompt.SystemPrompt;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Where the prompts come from: a folder with one file for each prompt and version, named {@code *.md}. Hidden files and
 * backups, which end with {@code ~}, are ignored; other files, and folders, are faults.
 *
 * @param isOptional true if a folder that does not exist has no prompts; otherwise that is a fault
 * @param systemPrompt of chats without a system message; null for {@code defaultPrompt}
 * @param defaultPrompt id, or id and version as {@code id@version}, of a prompt that is the system prompt; null for none
 */
public record PromptFolder(
        Path path,
        boolean isOptional,
        @Nullable SystemPrompt systemPrompt,
        @Nullable String defaultPrompt) {

    private static final String SUFFIX = ".md";
    private static final long MAX_BYTES = 1 << 20;

    /** Reads all files. Throws an {@link InvalidPromptsException} with the faults of all of them. */
    public PromptCatalog read() {
        List<String> faults = new ArrayList<>();
        PromptCatalog catalog = new PromptCatalog(prompts(faults), systemPrompt);
        if (faults.isEmpty() && defaultPrompt != null) {
            catalog = withDefault(catalog, defaultPrompt, faults);
        }
        if (!faults.isEmpty()) {
            throw new InvalidPromptsException(faults);
        }
        return catalog;
    }

    /** The visible files and folders in it, in alphabetical order. */
    List<Path> files() throws IOException {
        if (isOptional && !Files.exists(path)) {
            return List.of();
        }
        try (Stream<Path> files = Files.list(path)) {
            return files.filter(
                            file -> !name(file).startsWith(".") && !name(file).endsWith("~"))
                    .sorted()
                    .toList();
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
    }

    private static String name(Path file) {
        return file.getFileName().toString();
    }

    private List<Prompt> prompts(List<String> faults) {
        List<Prompt> prompts = new ArrayList<>();
        Set<String> versions = new HashSet<>();
        for (Path file : list(faults)) {
            try {
                Prompt prompt = read(file);
                if (!versions.add(prompt.id() + "@" + prompt.version())) {
                    throw new IllegalArgumentException("duplicate of " + prompt.id() + "@" + prompt.version());
                }
                prompts.add(prompt);
            } catch (IllegalArgumentException e) {
                faults.add(printable(file + ": " + e.getMessage()));
            }
        }
        return prompts;
    }

    private List<Path> list(List<String> faults) {
        try {
            return files();
        } catch (IOException e) {
            faults.add("PROMPT_FOLDER: '" + path + "' (expected: a folder that can be read)");
            return List.of();
        }
    }

    private static Prompt read(Path file) {
        try {
            if (!name(file).endsWith(SUFFIX) || !Files.isRegularFile(file)) {
                throw new IllegalArgumentException("not a prompt (expected: a file named *.md)");
            }
            if (Files.size(file) > MAX_BYTES) {
                throw new IllegalArgumentException("too large (expected: up to " + MAX_BYTES + " bytes)");
            }
            return PromptFile.parse(Files.readString(file));
        } catch (CharacterCodingException e) {
            throw new IllegalArgumentException("not UTF-8", e);
        } catch (IOException e) {
            throw new IllegalArgumentException("can't be read", e);
        }
    }

    private PromptCatalog withDefault(PromptCatalog catalog, String name, List<String> faults) {
        int at = name.indexOf('@');
        String id = at < 0 ? name : name.substring(0, at);
        Prompt prompt = catalog.find(id, at < 0 ? null : name.substring(at + 1));
        if (prompt == null) {
            faults.add(printable("DEFAULT_PROMPT: '" + name + "' (expected: a prompt of " + path + ")"));
            return catalog;
        }
        if (!prompt.template().variables().isEmpty()) {
            faults.add("DEFAULT_PROMPT: '" + name + "' (expected: a prompt without variables)");
            return catalog;
        }
        SystemPrompt text = new SystemPrompt(prompt.template().render(Map.of()).text());
        return new PromptCatalog(catalog.prompts(), text);
    }

    private static String printable(String fault) {
        return fault.replaceAll("\\p{Cntrl}", "?");
    }
}
