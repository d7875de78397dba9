// Renders templates with the real Velocity 1.7, for golden vectors. Reads one JSON document, {"cases": [{"template", "body",
// "path", "query", "headers", "context", "stageVariables"}]}, and writes {"version", "outputs": [...]}; null where Velocity fails.

import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.commons.lang.StringEscapeUtils;
import org.apache.velocity.VelocityContext;
import org.apache.velocity.app.VelocityEngine;
import org.apache.velocity.runtime.RuntimeConstants;
import org.apache.velocity.runtime.log.NullLogChute;

public class Oracle {
    public static void main(String[] arguments) throws Exception {
        Map<?, ?> document = (Map<?, ?>) new Json(new String(System.in.readAllBytes(), StandardCharsets.UTF_8)).value();
        VelocityEngine engine = new VelocityEngine();
        engine.setProperty(RuntimeConstants.RUNTIME_LOG_LOGSYSTEM, new NullLogChute());
        engine.init();
        List<Object> outputs = new ArrayList<>();
        for (Object each : (List<?>) document.get("cases")) outputs.add(render(engine, (Map<?, ?>) each));
        Map<String, Object> answer = new LinkedHashMap<>();
        answer.put("version", VelocityEngine.class.getPackage().getImplementationVersion());
        answer.put("outputs", outputs);
        System.out.write(Json.text(answer).getBytes(StandardCharsets.UTF_8));
        System.out.flush();
    }

    static String render(VelocityEngine engine, Map<?, ?> each) {
        VelocityContext context = new VelocityContext();
        context.put("input", new Input(each));
        context.put("util", new Util());
        context.put("context", each.get("context"));
        context.put("stageVariables", each.get("stageVariables"));
        StringWriter out = new StringWriter();
        try {
            return engine.evaluate(context, out, "template", (String) each.get("template")) ? out.toString() : null;
        } catch (RuntimeException error) {
            return null;
        }
    }

    public static class Input {
        private final Map<?, ?> given;

        Input(Map<?, ?> given) {
            this.given = given;
        }

        public String getBody() {
            return (String) given.get("body");
        }

        private Object document() {
            String body = getBody();
            return body.isBlank() ? new LinkedHashMap<String, Object>() : new Json(body).value();
        }

        public Object path(String expression) {
            Object found = document();
            String rest = expression.substring(1);
            while (found != null && !rest.isEmpty() && !rest.equals(".")) {
                String step = rest.replaceFirst("^(\\.[A-Za-z_][\\w-]*|\\[\\d+\\]|\\['[^']+'\\]).*$", "$1");
                rest = rest.substring(step.length());
                if (step.startsWith("[") && !step.startsWith("['")) {
                    int index = Integer.parseInt(step.substring(1, step.length() - 1));
                    found = found instanceof List && index < ((List<?>) found).size() ? ((List<?>) found).get(index) : null;
                } else {
                    String name = step.startsWith(".") ? step.substring(1) : step.substring(2, step.length() - 2);
                    found = found instanceof Map ? ((Map<?, ?>) found).get(name) : null;
                }
            }
            return found;
        }

        public String json(String expression) {
            return Json.text(path(expression));
        }

        public Object params() {
            Map<String, Object> all = new LinkedHashMap<>();
            all.put("path", given.get("path"));
            all.put("querystring", given.get("query"));
            all.put("header", given.get("headers"));
            return all;
        }

        public Object params(String name) {
            for (String kind : List.of("path", "query", "headers")) {
                Object found = ((Map<?, ?>) given.get(kind)).get(name);
                if (found != null) return found;
            }
            return "";
        }
    }

    public static class Util {
        public String escapeJavaScript(Object text) {
            return text == null ? null : StringEscapeUtils.escapeJavaScript(text.toString());
        }

        public Object parseJson(String text) {
            return new Json(text).value();
        }

        public String base64Encode(String text) {
            return java.util.Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8));
        }

        public String base64Decode(String text) {
            return new String(java.util.Base64.getDecoder().decode(text), StandardCharsets.UTF_8);
        }

        public String urlEncode(String text) {
            return java.net.URLEncoder.encode(text, StandardCharsets.UTF_8);
        }

        public String urlDecode(String text) {
            return java.net.URLDecoder.decode(text, StandardCharsets.UTF_8);
        }
    }

    /** Just enough JSON. */
    static class Json {
        private final String text;
        private int at = 0;

        Json(String text) {
            this.text = text;
        }

        Object value() {
            blank();
            char first = text.charAt(at);
            if (first == '{') return object();
            if (first == '[') return list();
            if (first == '"') return string();
            for (String word : List.of("true", "false", "null"))
                if (text.startsWith(word, at)) {
                    at += word.length();
                    return word.equals("null") ? null : (Object) Boolean.valueOf(word);
                }
            int start = at;
            while (at < text.length() && "+-.eE0123456789".indexOf(text.charAt(at)) >= 0) at++;
            String number = text.substring(start, at);
            if (number.matches("-?\\d{1,9}")) return Integer.valueOf(number);
            return number.matches("-?\\d+") ? (Object) Long.valueOf(number) : Double.valueOf(number);
        }

        private Map<String, Object> object() {
            Map<String, Object> found = new LinkedHashMap<>();
            at++;
            for (blank(); text.charAt(at) != '}'; blank()) {
                String name = string();
                blank();
                at++;
                found.put(name, value());
                blank();
                if (text.charAt(at) == ',') at++;
            }
            at++;
            return found;
        }

        private List<Object> list() {
            List<Object> found = new ArrayList<>();
            at++;
            for (blank(); text.charAt(at) != ']'; blank()) {
                found.add(value());
                blank();
                if (text.charAt(at) == ',') at++;
            }
            at++;
            return found;
        }

        private String string() {
            StringBuilder found = new StringBuilder();
            for (at++; text.charAt(at) != '"'; at++) {
                char each = text.charAt(at);
                if (each != '\\') {
                    found.append(each);
                    continue;
                }
                each = text.charAt(++at);
                int place = "bnfrt".indexOf(each);
                if (each == 'u') {
                    found.append((char) Integer.parseInt(text.substring(at + 1, at + 5), 16));
                    at += 4;
                } else found.append(place < 0 ? each : "\b\n\f\r\t".charAt(place));
            }
            at++;
            return found.toString();
        }

        private void blank() {
            while (at < text.length() && text.charAt(at) <= ' ') at++;
        }

        static String text(Object value) {
            StringBuilder out = new StringBuilder();
            write(value, out);
            return out.toString();
        }

        private static void write(Object value, StringBuilder out) {
            if (value instanceof Map) {
                String separator = "{";
                for (Map.Entry<?, ?> entry : ((Map<?, ?>) value).entrySet()) {
                    out.append(separator);
                    write(entry.getKey(), out);
                    out.append(':');
                    write(entry.getValue(), out);
                    separator = ",";
                }
                out.append(separator.equals("{") ? "{}" : "}");
            } else if (value instanceof List) {
                String separator = "[";
                for (Object each : (List<?>) value) {
                    out.append(separator);
                    write(each, out);
                    separator = ",";
                }
                out.append(separator.equals("[") ? "[]" : "]");
            } else if (value instanceof String) {
                out.append('"');
                for (char each : ((String) value).toCharArray()) {
                    if (each == '"' || each == '\\') out.append('\\').append(each);
                    else if (each < ' ') out.append(String.format("\\u%04x", (int) each));
                    else out.append(each);
                }
                out.append('"');
            } else out.append(value);
        }
    }
}
