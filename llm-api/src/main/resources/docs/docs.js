// Shows the document. Swagger UI shows a response when it is complete, so streams are also shown here, as they arrive.
"use strict";

const panel = document.getElementById("stream");
const received = document.getElementById("stream-text");
document.getElementById("stream-close").addEventListener("click", () => (panel.hidden = true));

let shown;

async function show(response) {
  shown = response;
  received.textContent = "";
  panel.hidden = false;
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let read = await reader.read(); !read.done; read = await reader.read()) {
    if (shown !== response) continue; // another stream is shown; this one is only read to its end
    received.append(read.value);
    received.scrollTop = received.scrollHeight;
  }
}

async function fetchAndShow(url, request) {
  const response = await fetch(url, request);
  if (response.headers.get("content-type")?.startsWith("text/event-stream")) {
    show(response.clone()).catch((fault) => received.append(`\n${fault}`));
  }
  return response;
}

SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  validatorUrl: null,
  defaultModelsExpandDepth: 0,
  tryItOutEnabled: true,
  requestInterceptor: (request) => Object.assign(request, { userFetch: fetchAndShow }),
});
