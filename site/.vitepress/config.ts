import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { defineConfig, type MarkdownRenderer } from 'vitepress'
import { addressOf, isRelative, slugOf } from '../links.mjs'

const docs = fileURLToPath(new URL('../../docs/', import.meta.url))
const api = join(docs, 'api/entries.json')

interface Item {
  readonly text: string
  readonly link: string
}
const page = (text: string, file: string): Item => ({ text, link: `/${file}` })
/** Pages that are not there are left out. */
const sections: readonly { readonly text: string; readonly items: readonly Item[] }[] = [
  {
    text: 'Using it',
    items: [
      page('Getting started', 'getting-started'),
      page('Your own images', 'own-images'),
      page('Choosing sizes', 'sizes'),
      page('Budgets and devices', 'budgets'),
      page('Latency', 'latency'),
      page('Export', 'exporting'),
      page('Exported models', 'export'),
      page('Serving', 'serving'),
      page('Studio', 'studio'),
      page('Clusters', 'cluster'),
    ],
  },
  {
    text: 'Understanding it',
    items: [
      page('How it works', 'how-it-works'),
      page('The method, exactly', 'method'),
      page('Costs', 'costs'),
      page('Architecture', 'architecture'),
    ],
  },
  {
    text: 'Going further',
    items: [page('Extending', 'extending'), page('Backends and GPUs', 'backends'), page('TensorFlow under Node', 'tensorflow')],
  },
  { text: 'What to expect', items: [page('Results', 'results'), page('Limits', 'limits'), page('FAQ', 'faq')] },
]

const entries: readonly { readonly name: string; readonly page: string }[] = existsSync(api) ? JSON.parse(readFileSync(api, 'utf8')) : []

export default defineConfig({
  title: 'Learngene',
  description: 'One pretrained Vision Transformer, a family of models of every size, in TypeScript.',
  srcDir: '../docs',
  rewrites: { 'README.md': 'index.md' },
  cleanUrls: false,
  // The folder of the host that the files are served from.
  base: process.env.DOCS_BASE ?? '/',
  lastUpdated: false,
  // None, or browsers ask for one that is not there.
  head: [['link', { rel: 'icon', href: 'data:,' }]],
  markdown: { anchor: { slugify: slugOf }, config: (md) => md.use(outsideLinks).use(figures) },
  vite: { publicDir: false, build: { chunkSizeWarningLimit: 2000 } },
  themeConfig: {
    // What explains before what lists.
    search: {
      provider: 'local',
      options: { miniSearch: { searchOptions: { boostDocument: (id: string) => (id.startsWith('/api/') ? 0.4 : 1) } } },
    },
    outline: [2, 3],
    nav: [
      { text: 'Guide', link: '/getting-started' },
      { text: 'API', link: '/api/' },
    ],
    sidebar: {
      '/api/': [
        { text: 'Guide', link: '/' },
        { text: 'API', items: entries.map(({ name, page: file }) => ({ text: name.replace('@learngene/', ''), link: `/api/${file}` })) },
      ],
      '/': [
        ...sections.map(({ text, items }) => ({ text, items: items.filter(({ link }) => existsSync(join(docs, `${link}.md`))) })),
        { text: 'API', link: '/api/' },
      ],
    },
  },
})

/** Links from a page to files outside the docs: to their page where they have one here or in the repository, else plain words. */
function outsideLinks(md: MarkdownRenderer): void {
  md.core.ruler.push('outside-links', (state) => {
    for (const { children } of state.tokens) {
      let isDropped = false
      for (const token of children ?? []) {
        if (token.type === 'link_open') {
          const href = token.attrGet('href') ?? ''
          const from = join(docs, state.env.relativePath === 'index.md' ? 'README.md' : state.env.relativePath)
          isDropped = false
          if (!isRelative(href)) continue
          const address = addressOf(from, href)
          if (address === undefined && href.startsWith('..')) isDropped = true
          else if (address !== undefined && (href.startsWith('..') || /README\.md/.test(href))) token.attrSet('href', address)
        }
        if (isDropped && (token.type === 'link_open' || token.type === 'link_close')) {
          token.type = 'text'
          token.tag = ''
          token.nesting = 0
          token.attrs = null
        }
      }
    }
  })
}

/** Figures become part of the page, so that they have its colours. */
function figures(md: MarkdownRenderer): void {
  const image = md.renderer.rules.image!
  md.renderer.rules.image = (tokens, index, options, env, self) => {
    const source = tokens[index]!.attrGet('src') ?? ''
    if (!/^(\.\/)?figures\/[\w-]+\.svg$/.test(source)) return image(tokens, index, options, env, self)
    const svg = readFileSync(join(docs, source), 'utf8').replace(/<style>[\s\S]*?<\/style>/, '')
    return `<span class="figure" v-pre>${svg.replaceAll('\n', '')}</span>`
  }
}
