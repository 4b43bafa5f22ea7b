/**
 * The page runs under `require-trusted-types-for 'script'` where the browser knows it: text becomes
 * markup or a script only through a policy. These are ours; Monaco and DOMPurify have their own.
 */

interface Rules {
  createHTML?: (text: string) => string;
  createScriptURL?: (text: string) => string;
}
interface Policy {
  createHTML: (text: string) => string;
  createScriptURL: (text: string) => string;
}
// Newer than the library that TypeScript knows, and not in every browser.
const { trustedTypes } = globalThis as {
  trustedTypes?: { createPolicy: (name: string, rules: Rules) => Policy };
};

/**
 * What nobody has vouched for is let through where it can be no markup: Radix sets the text of its
 * `<style>` elements so. Everything else is refused, loudly.
 */
trustedTypes?.createPolicy('default', {
  createHTML: (text) => {
    if (text.includes('<')) throw new TypeError('Text was to become markup without a policy.');
    return text;
  },
});

const workers = trustedTypes?.createPolicy('sluice-workers', {
  createScriptURL: (url) => {
    if (new URL(url, location.href).origin !== location.origin) {
      throw new TypeError('A worker from elsewhere is not started.');
    }
    return url;
  },
});

/** The address of one of the app's own workers, as `new Worker` takes it. */
export function workerUrl(url: string): string {
  return workers?.createScriptURL(url) ?? url;
}

const markdown = trustedTypes?.createPolicy('sluice-markdown', { createHTML: (html) => html });

/** Markup that a renderer has made of text, and which holds none of the text's own. */
export function renderedMarkdown(html: string): string {
  return markdown?.createHTML(html) ?? html;
}
