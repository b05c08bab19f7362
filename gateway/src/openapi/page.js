document.addEventListener("click", async ({ target }) => {
  if (!target.matches(".curl button")) return;
  await navigator.clipboard.writeText(target.nextElementSibling.textContent);
  target.textContent = "copied";
});
