// A new webhook endpoint: who sends, how it proves itself, and which signal comes of it.
import { useState } from "react";
import { call } from "../api/client";
import type { Endpoint } from "../api/model";
import { Act } from "./act";
import { JsonField, readJson } from "./json_field";

/** As in docs/webhooks.md, with what a secret looks like and the options without which a provider cannot be verified. */
const providers: Record<string, { secret: string; options?: Record<string, unknown> }> = {
  generic_hmac: { secret: "any text", options: { header: "X-Signature", algorithm: "sha256", encoding: "hex" } },
  stripe: { secret: "whsec_…" },
  paypal: { secret: "the webhook id" },
  payfast: { secret: "the passphrase" },
  paystack: { secret: "the secret key" },
  phonepe_v1: { secret: "SALT###INDEX" },
  phonepe_v2: { secret: "username:password" },
  whatsapp: { secret: "the app's secret", options: { verify_token: "env:WHATSAPP_VERIFY_TOKEN" } },
  evolution: { secret: "header:NAME=VALUE, jwt:KEY or hmac:SECRET" },
  clerk: { secret: "whsec_…" },
  svix: { secret: "whsec_…" },
  standard_webhooks: { secret: "whsec_… or whpk_…" },
  pubsub: { secret: "", options: { audience: "", service_account: "" } },
};

export function NewEndpoint() {
  const [name, setName] = useState("");
  const [provider, setProvider] = useState("generic_hmac");
  const [secret, setSecret] = useState("");
  const [signal, setSignal] = useState("");
  const [signalKey, setSignalKey] = useState("$.id");
  const [options, setOptions] = useState(JSON.stringify(providers.generic_hmac.options, null, 2));
  const read = readJson(options);
  return (
    <Act
      label="New endpoint"
      title="New webhook endpoint"
      confirm="Create the endpoint"
      tone="primary"
      wide
      isReady={read.problem === undefined}
      run={async ({ key }) => {
        const body = {
          name: name.trim(),
          provider,
          secrets: secret.trim() === "" ? [] : [secret.trim()],
          signal: { name: signal.trim(), key: signalKey.trim() },
          ...(read.value === undefined ? {} : { options: read.value }),
        };
        const made = await call<Endpoint>("POST", "/v1/webhook-endpoints", { body, idempotencyKey: key });
        return `Tell ${provider} to knock at ${location.origin}${made.url}`;
      }}
    >
      <div className="columns">
        <label className="field">
          <span>Name</span>
          <input type="text" required maxLength={128} pattern="[A-Za-z0-9._:\-]+" title="Letters, digits and . _ : -" value={name} onChange={(event) => setName(event.target.value)} />
        </label>
        <label className="field">
          <span>Provider</span>
          <select
            value={provider}
            onChange={(event) => {
              setProvider(event.target.value);
              const usual = providers[event.target.value].options;
              setOptions(usual === undefined ? "" : JSON.stringify(usual, null, 2));
            }}
          >
            {Object.keys(providers).map((word) => (
              <option key={word}>{word}</option>
            ))}
          </select>
        </label>
        <label className="field">
          <span>Secret, better as env:VARIABLE</span>
          <input type="text" autoComplete="off" spellCheck={false} placeholder={providers[provider].secret} value={secret} onChange={(event) => setSecret(event.target.value)} />
        </label>
        <label className="field">
          <span>Signal</span>
          <input type="text" required placeholder="payment.completed" value={signal} onChange={(event) => setSignal(event.target.value)} />
        </label>
        <label className="field">
          <span>Key, a path into what comes</span>
          <input type="text" className="mono" required value={signalKey} onChange={(event) => setSignalKey(event.target.value)} />
        </label>
      </div>
      <JsonField label="Options" text={options} onChange={setOptions} rows={5} hint="Empty: the provider's own way." />
    </Act>
  );
}
