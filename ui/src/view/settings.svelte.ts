/** What the page remembers of a person's taste, if the browser lets it. */
export type Theme = "dark" | "light";
export type TextSize = "normal" | "larger" | "largest";

const storageKey = "raftplay";

interface Remembered {
  theme?: Theme;
  textSize?: TextSize;
  keysOff?: boolean;
}

function remembered(): Remembered {
  try {
    const value: unknown = JSON.parse(localStorage.getItem(storageKey) ?? "{}");
    return typeof value === "object" && value !== null ? value : {};
  } catch {
    return {};
  }
}

class Settings {
  theme = $state<Theme>("dark");
  textSize = $state<TextSize>("normal");
  /** The keyboard's single keys are switched off. */
  keysOff = $state(false);
  reducedMotion = $state(false);

  constructor() {
    const before = remembered();
    const light = matchMedia("(prefers-color-scheme: light)").matches;
    this.theme = before.theme === "light" || before.theme === "dark" ? before.theme : light ? "light" : "dark";
    if (before.textSize === "larger" || before.textSize === "largest") this.textSize = before.textSize;
    this.keysOff = before.keysOff === true;
    const reduced = matchMedia("(prefers-reduced-motion: reduce)");
    this.reducedMotion = reduced.matches;
    reduced.addEventListener("change", () => (this.reducedMotion = reduced.matches));
    this.#show();
  }

  setTheme(theme: Theme): void {
    this.theme = theme;
    this.#changed();
  }

  setTextSize(size: TextSize): void {
    this.textSize = size;
    this.#changed();
  }

  setKeysOff(off: boolean): void {
    this.keysOff = off;
    this.#changed();
  }

  #changed(): void {
    this.#show();
    const { theme, textSize, keysOff } = this;
    try {
      localStorage.setItem(storageKey, JSON.stringify({ theme, textSize, keysOff }));
    } catch {
      // Storage is full or forbidden: the page works on without remembering.
    }
  }

  #show(): void {
    document.documentElement.dataset.theme = this.theme;
    document.documentElement.dataset.text = this.textSize;
  }
}

export const settings = new Settings();
