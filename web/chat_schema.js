"use strict";

/*
 * A JSON schema as the fields of a form, and what was typed into them as the value that it describes. Pure. What no
 * field fits is a field for JSON itself; the server has the last word about every value.
 */

/**
 * @typedef {{
 *   kind: "text" | "long" | "number" | "integer" | "yes" | "choice" | "choices" | "lines" | "group" | "json",
 *   name: string, title: string, description: string, required: boolean, initial?: any, input?: string,
 *   options?: {title: string, value: any}[], fields?: Field[], limits: Record<string, any>}} Field
 */

/** The value does not fit its field; `field` is the field's name. */
class Unfit extends Error {
  constructor(field, reason) {
    super(reason);
    this.field = field;
  }
}

const DEEPEST = 6;
const INPUTS = { date: "date", time: "time", email: "email", uri: "url" };

/** The form of a whole answer; without a schema it is a text. @param {any} schema @returns {Field} */
function fieldOf(schema) {
  return schema === undefined ? plainText() : field("", schema, true, schema, 0);
}

/** @returns {Field} */
function plainText() {
  return { kind: "long", name: "", title: "", description: "", required: true, limits: {} };
}

/** @returns {Field} */
function field(name, given, required, root, depth) {
  const schema = resolved(given, root);
  const limits = typeof schema === "object" && schema !== null ? schema : {};
  const { title = name, description = "", default: initial } = limits;
  /** @type {Field} */
  const plain = { kind: "json", name, title, description, required, initial, limits };
  return depth > DEEPEST ? plain : { ...plain, ...kindOf(limits, root, depth) };
}

/** What makes the field what it is. @returns {Partial<Field>} */
function kindOf(schema, root, depth) {
  const options = optionsOf(schema, root);
  if (options !== null) return { kind: "choice", options };
  const type = typeOf(schema);
  if (type === "string" && (schema.maxLength ?? 0) > 200) return { kind: "long" };
  if (type === "string") return { kind: "text", input: INPUTS[schema.format] ?? "text" };
  if (type === "number" || type === "integer") return { kind: type };
  if (type === "boolean") return { kind: "yes" };
  if (type === "object" && schema.properties !== undefined)
    return { kind: "group", fields: fieldsOf(schema, root, depth) };
  if (type === "array") return kindOfItems(resolved(schema.items ?? {}, root), root);
  return {};
}

/** @returns {Partial<Field>} */
function kindOfItems(items, root) {
  const options = optionsOf(items, root);
  if (options !== null) return { kind: "choices", options };
  return typeOf(items) === "string" ? { kind: "lines" } : {};
}

function fieldsOf(schema, root, depth) {
  const required = new Set(schema.required ?? []);
  return Object.entries(schema.properties).map(([name, inner]) =>
    field(name, inner, required.has(name), root, depth + 1),
  );
}

/** The one type that counts; an optional value is a field that may be left empty. */
function typeOf(schema) {
  const types = [schema.type].flat().filter((type) => type !== "null");
  if (types.length === 1 && types[0] !== undefined) return types[0];
  return schema.properties === undefined ? null : "object";
}

function optionsOf(schema, root) {
  if (schema.const !== undefined) return [{ title: asTitle(schema.const), value: schema.const }];
  if (Array.isArray(schema.enum)) return schema.enum.map((value) => ({ title: asTitle(value), value }));
  const choices = (schema.oneOf ?? schema.anyOf)?.map((choice) => resolved(choice, root));
  if (!choices?.length || !choices.every((choice) => choice?.const !== undefined)) return null;
  return choices.map((choice) => ({ title: choice.title ?? asTitle(choice.const), value: choice.const }));
}

function asTitle(value) {
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** What a $ref within the schema points to, and what of several is no null. */
function resolved(schema, root, depth = 0) {
  if (typeof schema !== "object" || schema === null || depth > DEEPEST) return schema;
  if (typeof schema.$ref === "string" && schema.$ref.startsWith("#")) {
    const steps = schema.$ref.slice(1).split("/").slice(1);
    const found = steps.reduce(
      (inner, step) => inner?.[decodeURIComponent(step).replace(/~1/g, "/").replace(/~0/g, "~")],
      root,
    );
    const { $ref: _, ...beside } = schema;
    return { ...resolved(found ?? {}, root, depth + 1), ...beside };
  }
  const kinds = schema.anyOf?.filter((inner) => inner?.type !== "null") ?? [];
  if (kinds.length !== 1) return schema;
  const { anyOf: _, ...beside } = schema;
  return { ...resolved(kinds[0], root, depth + 1), ...beside };
}

/**
 * What was typed into a field as JSON: a text, a boolean, indexes of options, an object of these for a group. Undefined
 * for what was left out. Throws Unfit.
 *
 * @param {Field} field @param {any} typed
 */
function valueOf(field, typed) {
  if (field.kind === "group") return groupValue(field, typed);
  if (field.kind === "yes") return typed;
  if (field.kind === "choices") return typed.map((index) => field.options[index].value);
  if (field.kind === "lines") return typed.split("\n").filter((line) => line.trim() !== "");
  if (typed === "" && !field.required) return undefined;
  if (typed === "" && field.kind !== "text") throw new Unfit(field.name, "required");
  if (field.kind === "choice") return field.options[Number(typed)].value;
  if (field.kind === "number" || field.kind === "integer") return numberOf(field, typed);
  return field.kind === "json" ? parsed(field, typed) : typed;
}

function groupValue(group, typed) {
  const values = group.fields.map((inner) => [inner.name, valueOf(inner, typed[inner.name])]);
  return Object.fromEntries(values.filter(([, value]) => value !== undefined));
}

function numberOf(field, typed) {
  const number = Number(typed);
  if (!Number.isFinite(number)) throw new Unfit(field.name, "number");
  if (field.kind === "integer" && !Number.isInteger(number)) throw new Unfit(field.name, "integer");
  return number;
}

function parsed(field, typed) {
  try {
    return JSON.parse(typed);
  } catch {
    throw new Unfit(field.name, "json");
  }
}
