// One way to do something to the server's data: a button, a dialog that says what will happen, a reason, the answer.
import { useQueryClient } from "@tanstack/react-query";
import { useState, type FormEvent, type ReactNode } from "react";
import { NeedsApproval, type Problem } from "../api/client";
import { useConnection } from "../api/connection";
import { Dialog } from "./dialog";
import { ProblemBox } from "./notices";
import { say } from "./toast";

export interface ActProps {
  /** On the button that opens the dialog. */
  label: string;
  title: string;
  /** What will happen, before it does. */
  children?: ReactNode;
  confirm?: string;
  tone?: "danger" | "primary" | "plain";
  size?: "small";
  reason?: "none" | "optional" | "required";
  disabled?: boolean;
  wide?: boolean;
  isReady?: boolean;
  /** `key` is the same however often this dialog is sent. Answers what to say when it is done. */
  run: (input: { reason: string; key: string }) => Promise<string>;
  onDone?: () => void;
}

export function Act(props: ActProps) {
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <button
        type="button"
        className={`button ${props.tone ?? "plain"} ${props.size ?? ""}`}
        disabled={props.disabled}
        onClick={() => setOpen(true)}
      >
        {props.label}
      </button>
      {isOpen && <ActDialog {...props} onClose={() => setOpen(false)} />}
    </>
  );
}

export function ActDialog({ title, children, confirm, label, tone, reason = "none", wide, isReady = true, run, onDone, onClose }: ActProps & { onClose: () => void }) {
  const client = useQueryClient();
  const connection = useConnection();
  const [text, setText] = useState("");
  const [key] = useState(() => crypto.randomUUID());
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | Error | null>(null);
  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    setProblem(null);
    try {
      const done = await run({ reason: text.trim(), key });
      say(done);
      onClose();
      onDone?.();
      void client.invalidateQueries();
    } catch (error) {
      if (error instanceof NeedsApproval) {
        say(error.message);
        onClose();
        onDone?.();
        void client.invalidateQueries();
        return;
      }
      setProblem(error as Problem | Error);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Dialog title={title} onClose={onClose} wide={wide}>
      <form onSubmit={submit} className="form">
        {children}
        {reason !== "none" && (
          <label className="field">
            <span>Reason{reason === "optional" && <span className="muted"> (optional)</span>}</span>
            <input
              type="text"
              value={text}
              maxLength={2000}
              required={reason === "required"}
              placeholder="Stays in the history for whoever asks later"
              onChange={(event) => setText(event.target.value)}
            />
          </label>
        )}
        {problem && <ProblemBox problem={problem} />}
        {connection.state === "away" && <p className="problem-text">The server does not answer at the moment.</p>}
        <footer className="dialog-foot">
          <button type="button" className="button plain" onClick={onClose}>
            Leave it
          </button>
          <button className={`button ${tone === "danger" ? "danger" : "primary"}`} disabled={isBusy || !isReady}>
            {isBusy ? "Sending…" : (confirm ?? label)}
          </button>
        </footer>
      </form>
    </Dialog>
  );
}
