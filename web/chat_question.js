"use strict";

/* A question that the function asks the user, as a form made of its JSON schema. */

// More than this many choices are a list to open.
const MOST_RADIOS = 6;

class QuestionWidget {
  /** @param {{frame: any, answer: (value: any) => Promise<any>}} asked `answer` sends the value, and throws what was refused */
  constructor({ frame, answer }) {
    this.answer = answer;
    this.isClosed = false;
    this.field = fieldOf(frame.schema);
    this.name = `question-${frame.request_id}`;
    this.until = performance.now() + frame.expires_in * 1000;
    this.state = element("p", { class: "small", role: "status" });
    this.problem = element("p", { class: "problem", role: "alert" });
    this.send = element("button", { type: "submit", class: "primary", word: "answerIt" });
    this.clock = element("span", { class: "small faint" });
    this.inputs = new FieldInputs(this.field, this.name);
    const title = element("p", { class: "question-text", id: `${this.name}-title`, dir: "auto" }, frame.question);
    const row = element("p", { class: "row" }, this.send, this.clock);
    const submit = (event) => (event.preventDefault(), this.submit());
    const named = { class: "widget question", "aria-labelledby": title.id, submit };
    this.element = element("form", named, title, this.inputs.element, this.problem, row, this.state);
    this.timer = setInterval(() => this.showTime(), 1000);
    this.showTime();
  }

  async submit() {
    this.problem.textContent = "";
    try {
      const value = valueOf(this.field, this.inputs.typed());
      // Not disabled meanwhile: the button would lose the focus. The same answer twice is one answer to the server.
      await this.answer(value);
      this.close("answered");
    } catch (problem) {
      this.problem.textContent =
        problem instanceof Unfit ? words().unfit(problem.field, problem.message) : problem.message;
    }
  }

  /** No answer is wanted any more. @param {"answered" | "expired" | "over"} why */
  close(why) {
    if (this.isClosed) return;
    this.isClosed = true;
    clearInterval(this.timer);
    const hadFocus = this.element.contains(document.activeElement);
    this.element.querySelectorAll("input, select, textarea, button").forEach((input) => (input.disabled = true));
    this.clock.textContent = "";
    this.element.classList.add("closed");
    called(this.state, why);
    if (hadFocus) at("message").focus();
  }

  showTime() {
    const seconds = Math.ceil((this.until - performance.now()) / 1000);
    this.clock.textContent = seconds > 0 ? words().timeToAnswer(clockText(seconds)) : "";
  }
}

function clockText(seconds) {
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

/** The inputs of one field, and what is typed into them as chat_schema.js takes it. */
class FieldInputs {
  /** @param {Field} field @param {string} name of the inputs in their form */
  constructor(field, name) {
    this.field = field;
    this.name = name;
    this.inner = (field.fields ?? []).map((inner) => new FieldInputs(inner, `${name}-${inner.name}`));
    this.element = this.made();
  }

  typed() {
    const { kind } = this.field;
    if (kind === "group") return Object.fromEntries(this.inner.map((inner) => [inner.field.name, inner.typed()]));
    if (kind === "yes") return this.input.checked;
    if (kind === "choices") return this.checked().map(Number);
    if (kind === "choice" && this.input === undefined) return this.checked()[0] ?? "";
    return this.input.value;
  }

  checked() {
    return [...this.element.querySelectorAll("input:checked")].map((box) => box.value);
  }

  made() {
    const { kind, options = [] } = this.field;
    if (kind === "group") return this.grouped(...this.inner.map((inner) => inner.element));
    if (kind === "choices") return this.grouped(...this.boxes("checkbox"));
    if (kind === "choice" && options.length <= MOST_RADIOS) return this.grouped(...this.boxes("radio"));
    this.input = this.control();
    if (kind === "yes") return element("label", { class: "box" }, this.input, this.caption());
    return element("label", { class: "field" }, this.caption(), this.input);
  }

  grouped(...inner) {
    const legend = this.field.name === "" && this.field.title === "" ? [] : [element("legend", {}, this.caption())];
    return element("fieldset", { class: this.field.kind }, ...legend, ...inner);
  }

  caption() {
    const { title, description, required, kind } = this.field;
    const name =
      title === ""
        ? element("span", { word: kind === "json" ? "yourJson" : "yourAnswer" })
        : element("span", {}, title);
    const star = required && title !== "" && kind !== "yes" ? element("span", { "aria-hidden": "true" }, " *") : null;
    return element("span", {}, name, star, description === "" ? null : element("span", { class: "hint" }, description));
  }

  boxes(type) {
    const { options, initial, required } = this.field;
    const isInitial = (value) =>
      JSON.stringify(value) === JSON.stringify(initial) || (initial?.includes?.(value) && type === "checkbox");
    return options.map(({ title, value }, index) => {
      const box = {
        type,
        name: this.name,
        value: index,
        checked: Boolean(isInitial(value)),
        required: required && type === "radio",
      };
      return element("label", { class: "box" }, element("input", box), title);
    });
  }

  control() {
    const { kind, initial, required, options = [], limits } = this.field;
    const common = { name: this.name, required: required && kind !== "yes" };
    if (kind === "yes") return element("input", { type: "checkbox", checked: initial === true, name: this.name });
    if (kind === "choice") return element("select", common, new Option("", ""), ...options.map(asOption(initial)));
    const value =
      initial === undefined || initial === null
        ? ""
        : kind === "json"
          ? JSON.stringify(initial, null, 2)
          : String(initial);
    const size = { minlength: limits.minLength, maxlength: limits.maxLength };
    if (["long", "lines", "json"].includes(kind))
      return withValue(element("textarea", { ...common, ...size, rows: 3 }), value);
    if (kind === "text") return withValue(element("input", { ...common, ...size, type: this.field.input }), value);
    const step = limits.multipleOf ?? (kind === "integer" ? 1 : "any");
    return withValue(
      element("input", { ...common, type: "number", min: limits.minimum, max: limits.maximum, step }),
      value,
    );
  }
}

function asOption(initial) {
  return ({ title, value }, index) => new Option(title, String(index), false, value === initial);
}

function withValue(input, value) {
  input.value = value;
  return input;
}
