"use strict";

/*
 * Markdown from a stranger as nodes that are safe to show. marked makes HTML of it, highlight.js colours its code,
 * DOMPurify lets through what is listed here and nothing else. HTML in the text is shown as the text it is, and a picture
 * is a link: fetching one would tell its server that, and what, somebody reads.
 */

const ALLOWED = {
  ALLOWED_TAGS:
    "p br h3 h4 h5 ul ol li blockquote pre code em strong del hr table thead tbody tr th td a span input".split(" "),
  ALLOWED_ATTR: "href title class align start type checked disabled".split(" "),
  ALLOWED_URI_REGEXP: /^(?:https?|mailto):/i,
  // These hold no address, so that the rule for addresses is none for them.
  ADD_URI_SAFE_ATTR: "align start type checked disabled".split(" "),
  ALLOW_DATA_ATTR: false,
  ALLOW_ARIA_ATTR: false,
  RETURN_DOM_FRAGMENT: true,
};

// Colouring takes time that grows with the text; past this a block is shown plain.
const MOST_COLOURED_CHARACTERS = 20_000;

const READER = new marked.Marked({
  gfm: true,
  renderer: {
    html: ({ text, block }) => (block ? `<p>${escaped(text.trim())}</p>` : escaped(text)),
    image: ({ href, text }) => `<a href="${escaped(href)}">${escaped(text || href)}</a>`,
    // The page has its own headings above these, and none may be left out between them.
    heading({ tokens, depth }) {
      return `<h3 class="depth-${depth}">${this.parser.parseInline(tokens)}</h3>`;
    },
    code: ({ text, lang }) => codeBlock(text, (lang ?? "").split(/\s/)[0]),
  },
});

/**
 * The block as a fragment that holds nothing but what is allowed.
 *
 * @param {string} source @param {any} [links] definitions that stand elsewhere in the text
 */
function safeNodes(source, links = {}) {
  const fragment = DOMPurify.sanitize(asHtml(source, links), ALLOWED);
  fragment.querySelectorAll("a").forEach(outward);
  fragment.querySelectorAll("pre").forEach(withCopy);
  fragment.querySelectorAll("table").forEach(scrollable);
  fragment.querySelectorAll("input").forEach((box) => labelled(box, "task"));
  return fragment;
}

/** What is nested deeper than marked can follow is shown as it was written. */
function asHtml(source, links) {
  try {
    const lexer = new marked.Lexer(READER.defaults);
    Object.assign(lexer.tokens.links, links);
    return READER.parser(lexer.lex(source));
  } catch {
    return `<p>${escaped(source)}</p>`;
  }
}

function codeBlock(text, language) {
  const known = hljs.getLanguage(language) !== undefined && text.length <= MOST_COLOURED_CHARACTERS;
  const inner = known ? hljs.highlight(text, { language, ignoreIllegals: true }).value : escaped(text);
  return `<pre><code class="language-${escaped(language)}">${inner}</code></pre>`;
}

function escaped(text) {
  const named = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
  return text.replace(/[&<>"']/g, (character) => named[character]);
}

function outward(link) {
  link.setAttribute("target", "_blank");
  link.setAttribute("rel", "noopener noreferrer nofollow");
}

/** A block of code with its language and a button above it; it scrolls by itself, so it can have the focus. */
function withCopy(pre) {
  const code = pre.firstElementChild;
  const language = (code?.className ?? "").replace(/^language-/, "");
  const copy = iconButton("copy", "copyCode", () => copyText(code?.textContent ?? "", copy));
  const head = element("div", { class: "code-head" }, element("span", {}, language), copy);
  const box = element("div", { class: "code" });
  pre.replaceWith(box);
  pre.tabIndex = 0;
  box.append(head, pre);
}

function scrollable(table) {
  const box = element("div", { class: "wide-table", tabindex: 0 });
  table.replaceWith(box);
  box.append(table);
}
