package dev.localllm.ollama.simulator;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** Generates answers that say they are simulated. The same prompt and seed give the same text. Pure. */
final class Storyteller {

    private static final int MAX_TOKENS = 10_000;
    private static final int QUOTED_CHARACTERS = 60;
    private static final Pattern TOKEN = Pattern.compile(
            "\\s*(\\p{IsHangul}{1,2}|\\p{L}{1,6}|\\p{N}{1,3}|\\X)|\\s+", Pattern.UNICODE_CHARACTER_CLASS);
    private static final Pattern REQUESTED_LENGTH = Pattern.compile("(\\d{1,5}) (?:words|tokens)");
    private static final Pattern HANGUL = Pattern.compile("\\p{IsHangul}");

    private static final List<String> ENGLISH = List.of(
            "A real model would now think about it; I only pretend to. 🙂",
            "Tokens leave me one by one, at a pace you can set.",
            "If this were production, somebody's GPU would be warm by now. 🔥",
            "The text is made up, but the wire format is the real thing.",
            "You can count on the order of these words, not on their wisdom.",
            "Pull a model with Ollama and ask again for a proper answer. 🚀",
            "Nothing of what you wrote was stored or sent anywhere.",
            "I answer the same to the same question, which few models do.");

    private static final List<String> KOREAN = List.of(
            "진짜 모델이라면 지금쯤 생각을 하고 있겠지만, 저는 흉내만 냅니다. 🙂",
            "토큰은 정해진 속도로 하나씩 나갑니다.",
            "글은 지어낸 것이지만 전송 형식은 진짜와 같습니다.",
            "올라마에서 모델을 받은 뒤 다시 물어보면 제대로 된 답을 들을 수 있습니다. 🚀",
            "보내신 내용은 저장되지도, 다른 곳으로 전송되지도 않았습니다.",
            "같은 질문에는 언제나 같은 대답을 합니다. 👍");

    private Storyteller() {}

    static List<String> answer(String prompt, long seed) {
        return told(opening(prompt), prompt, seed);
    }

    /** A text for the gap between prompt and suffix. */
    static List<String> fill(String prompt, String suffix, long seed) {
        String all = prompt + suffix;
        return told(gap(quote(prompt), quote(suffix), isKorean(all)), all, seed);
    }

    private static List<String> told(String opening, String prompt, long seed) {
        List<String> sentences = isKorean(prompt) ? KOREAN : ENGLISH;
        Random random = new Random((prompt.hashCode() * 31L + seed) * 0x9E3779B97F4A7C15L);
        StringBuilder text = new StringBuilder(opening);
        int requested = requestedTokens(prompt);
        int sentence = random.nextInt(sentences.size());
        int written = tokens(text.toString()).size();
        for (int i = 0; i < 3 || written < requested; i++) {
            String next = " " + sentences.get((sentence + i) % sentences.size());
            text.append(next);
            written += tokens(next).size();
        }
        List<String> tokens = tokens(text.toString());
        return requested > 0 ? tokens.subList(0, requested) : tokens;
    }

    /** Splits text into tokens as a tokenizer would: spaces begin words, and no character is split. */
    static List<String> tokens(String text) {
        List<String> tokens = new ArrayList<>();
        Matcher matcher = TOKEN.matcher(text);
        while (matcher.find()) {
            tokens.add(matcher.group());
        }
        return tokens;
    }

    /** The first sentences of an answer. */
    static String opening(String prompt) {
        String quoted = quote(prompt);
        return isKorean(prompt)
                ? "저는 시뮬레이터라서 뒤에 모델이 없습니다. \"" + quoted + "\"라고 물으셨네요."
                : "This is a simulator with no model behind it. You asked: \"" + quoted + "\".";
    }

    private static String gap(String before, String after, boolean korean) {
        return korean
                ? "저는 시뮬레이터라서 뒤에 모델이 없습니다. \"" + before + "\"와 \"" + after + "\" 사이를 채웁니다."
                : "This is a simulator with no model behind it. I fill the gap between \"" + before + "\" and \""
                        + after + "\".";
    }

    private static boolean isKorean(String text) {
        return HANGUL.matcher(text).find();
    }

    /** The beginning of a text, on one line. */
    static String quote(String prompt) {
        String line = prompt.strip().replaceAll("\\s+", " ");
        int end = Math.min(line.length(), QUOTED_CHARACTERS);
        if (end < line.length() && Character.isLowSurrogate(line.charAt(end))) {
            end--;
        }
        return line.substring(0, end) + (end < line.length() ? "…" : "");
    }

    private static int requestedTokens(String prompt) {
        return Stream.of(REQUESTED_LENGTH.matcher(prompt))
                .filter(Matcher::find)
                .map(matcher -> Integer.valueOf(matcher.group(1)))
                .map(requested -> Math.min(requested, MAX_TOKENS))
                .findFirst()
                .orElse(0);
    }
}
