// A form made of a JSON Schema: text, numbers, yes or no, choices, objects of these. What it cannot show is edited as JSON.
import { useState } from "react";
import type { Json } from "../api/model";
import { JsonField, readJson, writeJson } from "./json_field";

type Schema = { [member: string]: Json };

const asSchema = (value: Json | undefined): Schema | null =>
  value !== null && typeof value === "object" && !Array.isArray(value) ? value : null;

/** Whether every property is one that the form can show. */
export function isSimple(schema: Json | undefined): boolean {
  const object = asSchema(schema);
  const properties = asSchema(object?.properties);
  if (!object || !properties || Object.keys(properties).length === 0) return false;
  return Object.values(properties).every((property) => {
    const inner = asSchema(property);
    return inner !== null && (Array.isArray(inner.enum) || ["string", "number", "integer", "boolean"].includes(String(inner.type)));
  });
}

function Member({ name, schema, isRequired, value, onChange }: { name: string; schema: Schema; isRequired: boolean; value: Json | undefined; onChange: (value: Json | undefined) => void }) {
  const label = typeof schema.title === "string" ? schema.title : name;
  const hint = typeof schema.description === "string" ? schema.description : null;
  const mark = isRequired ? null : <span className="muted"> (optional)</span>;
  if (Array.isArray(schema.enum)) {
    const options = schema.enum;
    return (
      <label className="field">
        <span>{label}{mark}</span>
        <select
          required={isRequired}
          value={value === undefined ? "" : String(options.findIndex((option) => option === value))}
          onChange={(event) => onChange(event.target.value === "" ? undefined : options[Number(event.target.value)])}
        >
          <option value="">choose…</option>
          {options.map((option, at) => (
            <option key={at} value={at}>
              {typeof option === "string" ? option : JSON.stringify(option)}
            </option>
          ))}
        </select>
        {hint && <span className="hint muted">{hint}</span>}
      </label>
    );
  }
  if (schema.type === "boolean") {
    return (
      <fieldset className="field choice">
        <legend>{label}{mark}</legend>
        {[true, false].map((option) => (
          <label key={String(option)}>
            <input type="radio" name={name} required={isRequired} checked={value === option} onChange={() => onChange(option)} /> {option ? "yes" : "no"}
          </label>
        ))}
      </fieldset>
    );
  }
  const isNumber = schema.type === "number" || schema.type === "integer";
  return (
    <label className="field">
      <span>{label}{mark}</span>
      <input
        type={isNumber ? "number" : "text"}
        step={schema.type === "integer" ? 1 : "any"}
        min={typeof schema.minimum === "number" ? schema.minimum : undefined}
        max={typeof schema.maximum === "number" ? schema.maximum : undefined}
        minLength={typeof schema.minLength === "number" ? schema.minLength : undefined}
        maxLength={typeof schema.maxLength === "number" ? schema.maxLength : undefined}
        required={isRequired}
        value={value === undefined ? "" : String(value)}
        onChange={(event) => {
          const text = event.target.value;
          onChange(text === "" ? undefined : isNumber ? Number(text) : text);
        }}
      />
      {hint && <span className="hint muted">{hint}</span>}
    </label>
  );
}

/** `text` is the JSON that will be sent, whichever way it is edited. */
export function SchemaForm({ schema, text, onChange, label }: { schema: Json | undefined; text: string; onChange: (text: string) => void; label: string }) {
  const [asJson, setAsJson] = useState(!isSimple(schema));
  if (!isSimple(schema) || asJson) {
    return (
      <>
        <JsonField label={label} text={text} onChange={onChange} rows={6} />
        {isSimple(schema) && (
          <button type="button" className="button quiet small" onClick={() => setAsJson(false)}>
            Back to the form
          </button>
        )}
      </>
    );
  }
  const object = asSchema(schema) as Schema;
  const properties = asSchema(object.properties) as Record<string, Json>;
  const required = Array.isArray(object.required) ? object.required : [];
  const value = asSchema(readJson(text).value) ?? {};
  return (
    <>
      {Object.entries(properties).map(([name, property]) => (
        <Member
          key={name}
          name={name}
          schema={property as Schema}
          isRequired={required.includes(name)}
          value={value[name]}
          onChange={(changed) => {
            const next = { ...value };
            if (changed === undefined) delete next[name];
            else next[name] = changed;
            onChange(writeJson(next));
          }}
        />
      ))}
      <button type="button" className="button quiet small" onClick={() => setAsJson(true)}>
        Edit as JSON
      </button>
    </>
  );
}
