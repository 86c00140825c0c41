import { type Html, html } from './html.js'
import { scripts } from './scripts.js'
import { style } from './style.js'

/** A page that needs nothing but a browser: no network, and scripts only to reach a picture's points and to sort a table. */
export function page(title: string, content: Html): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<title>${title}</title>
<style>${style}</style>
</head>
<body>
<main>
${content}
</main>
<script>${scripts}</script>
</body>
</html>
`.text
}

export function section(title: string, content: Html): Html {
  return html`<section>
<h2>${title}</h2>
${content}
</section>`
}
