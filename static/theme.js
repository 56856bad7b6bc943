// Before the first paint, so that a dark page never flashes light.
(() => {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const show = () => {
    const choice = localStorage.getItem("theme") ?? "auto";
    const theme = choice === "auto" ? (dark.matches ? "dark" : "light") : choice;
    document.documentElement.dataset.bsTheme = theme;
  };
  show();
  dark.addEventListener("change", show);
  document.addEventListener("theme", show);
})();
