import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { Problem, whenSignedOut } from "./api/client";
import { onBack } from "./api/connection";
import { App } from "./app";
import { applyTheme } from "./theme";
import "./styles/base.css";
import "./styles/parts.css";
import "./styles/shell.css";
import "./styles/screens.css";

applyTheme();

const client = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 1000,
      // A server that is away is watched by api/connection.ts; what it refuses is refused the second time too.
      retry: false,
      networkMode: "always",
      refetchOnWindowFocus: true,
    },
    mutations: { networkMode: "always" },
  },
});

whenSignedOut(() => client.setQueryData(["/v1/session"], null));
onBack(() => void client.invalidateQueries({ predicate: (query) => !(query.state.error instanceof Problem && query.state.error.status === 403) }));

createRoot(document.getElementById("root") as HTMLElement).render(
  <StrictMode>
    <QueryClientProvider client={client}>
      <App />
    </QueryClientProvider>
  </StrictMode>,
);
