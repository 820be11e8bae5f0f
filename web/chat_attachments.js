"use strict";

/** A file that goes with a question, as the request has it. @typedef {{media_type: string, name: string, content: string}} Attachment */

/** The files of the next question: chosen, pasted or dropped; shown by name, and taken away again one by one. */
class Attachments {
  // The server has limits of its own and names them; this one only keeps the page from stopping.
  static mostBytes = 50_000_000;

  /** @param {{button: any, input: any, list: any, note: any, field: any}} what `field`: where files are pasted and dropped */
  constructor({ button, input, list, note, field }) {
    this.list = list;
    this.note = note;
    this.button = button;
    /** @type {Attachment[]} */
    this.files = [];
    button.addEventListener("click", () => input.click());
    input.addEventListener("change", () => {
      this.add([...input.files]); // a copy: the list empties with the field
      input.value = "";
    });
    field.addEventListener("paste", (event) => this.receive(event, event.clipboardData));
    field.addEventListener("dragover", (event) => event.preventDefault());
    field.addEventListener("drop", (event) => this.receive(event, event.dataTransfer));
  }

  /** Text is for the field itself. */
  receive(event, data) {
    if (!data?.files.length) return;
    event.preventDefault();
    this.add([...data.files]);
  }

  /** @param {File[]} files */
  async add(files) {
    this.note.textContent = "";
    for (const file of files) {
      if (file.size > Attachments.mostBytes) this.note.textContent = words().tooLarge(file.name);
      else this.files.push(await attachmentOf(file));
    }
    this.show();
  }

  /** The files, which are then of a question and no longer here. */
  take() {
    const taken = this.files;
    this.files = [];
    this.note.textContent = "";
    this.show();
    return taken;
  }

  remove(file) {
    this.files = this.files.filter((other) => other !== file);
    this.show();
    this.button.focus();
  }

  show() {
    this.list.replaceChildren(...this.files.map((file) => this.chip(file)));
    this.list.hidden = this.files.length === 0;
  }

  chip(file) {
    const remove = element("button", { type: "button", class: "plain", click: () => this.remove(file) }, icon("close"));
    remove.setAttribute("aria-label", words().detach(file.name));
    return element("li", { class: "chip" }, icon("file"), file.name, remove);
  }
}

/** @param {File} file @returns {Promise<Attachment>} */
function attachmentOf(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onerror = () => reject(reader.error);
    reader.onload = () => {
      const content = String(reader.result).split(",")[1] ?? "";
      resolve({ media_type: file.type || "application/octet-stream", name: file.name, content });
    };
    reader.readAsDataURL(file);
  });
}

/** The request without the bytes of its files, for people to read. */
function withoutBytes(body) {
  if (body.attachments === undefined) return body;
  return { ...body, attachments: body.attachments.map((file) => ({ ...file, content: `BASE64 OF ${file.name}` })) };
}
