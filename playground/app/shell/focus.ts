/** Where the button that opened a dialog is gone by now, its tab or its page is the nearest place. */
export function keepFocus(): void {
  requestAnimationFrame(() => {
    if (document.activeElement !== document.body) return;
    const place =
      document.querySelector<HTMLElement>('[role=tabpanel]') ?? document.getElementById('main');
    place?.focus();
  });
}
