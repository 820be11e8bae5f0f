// Shows the API's description, light or dark as the reader's system is. Asks this server only.
"use strict";

const isDark = matchMedia("(prefers-color-scheme: dark)");

function paint() {
  document.documentElement.classList.toggle("dark-mode", isDark.matches);
}

paint();
isDark.addEventListener("change", paint);

SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#api",
  deepLinking: true,
  // The validator is a service elsewhere.
  validatorUrl: null,
  displayOperationId: false,
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
});
