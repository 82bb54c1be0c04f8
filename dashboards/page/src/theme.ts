// Light or dark: the system's choice, unless somebody chose otherwise on this page.
import { useState } from "react";

type Theme = "system" | "light" | "dark";
const kItem = "orchestrator.theme";
const themes: Theme[] = ["system", "light", "dark"];

const chosen = (): Theme => {
  const kept = localStorage.getItem(kItem) as Theme | null;
  return kept !== null && themes.includes(kept) ? kept : "system";
};

export function applyTheme(): void {
  const theme = chosen();
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}

export function useTheme(): [Theme, () => void] {
  const [theme, setTheme] = useState(chosen);
  const next = (): void => {
    const following = themes[(themes.indexOf(theme) + 1) % themes.length];
    localStorage.setItem(kItem, following);
    applyTheme();
    setTheme(following);
  };
  return [theme, next];
}
