"use strict";

/** A tool that the function uses: its name and how it went, and when opened what went in and what came out. */
class ToolWidget {
  /** @param {any} frame the tool_call */
  constructor({ name, arguments: given }) {
    this.state = element("span", { class: "state", word: "toolRunning" });
    this.body = element("div", { class: "tool-body" }, ...shownJson("toolArguments", given));
    const title = element("span", { class: "tool-name" }, name);
    this.element = element(
      "details",
      { class: "widget tool" },
      element("summary", {}, icon("tool"), title, this.state),
      this.body,
    );
  }

  /** @param {any} frame the tool_result */
  finish({ result, is_error: isError }) {
    called(this.state, isError ? "toolFailed" : "toolDone");
    this.element.classList.add(isError ? "failed" : "done");
    this.body.append(...shownJson("toolResult", result));
  }

  /** The stream has ended, and nothing was said of the tool. */
  abandon() {
    if (this.element.matches(".failed, .done")) return;
    called(this.state, "toolUnknown");
    this.element.classList.add("done");
  }
}

function shownJson(word, value) {
  const text = typeof value === "string" ? value : JSON.stringify(value, null, 2);
  return [element("p", { class: "small faint", word }), element("pre", { tabindex: 0 }, text ?? "null")];
}
