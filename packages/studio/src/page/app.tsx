import { useSignalEffect } from '@preact/signals'
import { AnswerPanel } from './answer.js'
import { BudgetPanel } from './budget.js'
import { keepForOffline, show } from './connection.js'
import { Front } from './front.js'
import { Header } from './header.js'
import { PathView } from './path-view.js'
import { PicturePanel } from './picture.js'
import { manifest, problem } from './state.js'
import { Story } from './story.js'
import { Teach } from './teach.js'

export function App() {
  useSignalEffect(() => {
    const family = manifest.value
    if (!family) return
    const [first] = family.samples
    if (first) show({ kind: 'sample', file: first.file }, first.label)
    keepForOffline(family.tiers.length)
  })
  return (
    <>
      <Header />
      <main>
        <Problem />
        <div class="stage">
          <PicturePanel />
          <section class="middle" aria-label="Budget">
            <BudgetPanel />
            <PathView />
            <Front />
          </section>
          <AnswerPanel />
        </div>
        <Story />
        <Teach />
      </main>
      <footer>
        <p>
          Made by <code>learngene studio</code>. Pictures, camera and what you teach stay in this page: it asks no server for anything but
          its own files.
        </p>
      </footer>
    </>
  )
}

const REMEDIES: { readonly [what: string]: string } = {
  picture: 'Try another picture: PNG, JPEG or WebP.',
  family: 'Reload the page when the network is back.',
  backend: 'Reload the page; if it comes again, try ?backend=wasm.',
  teach: 'What was taught before stands.',
  export: 'Nothing was saved.',
}

function Problem() {
  const found = problem.value
  return (
    <div class="problem" role="alert" hidden={!found}>
      {found && (
        <>
          <p>
            {found.message}. {REMEDIES[found.what]}
          </p>
          <button type="button" onClick={() => (problem.value = undefined)}>
            Dismiss
          </button>
        </>
      )}
    </div>
  )
}
