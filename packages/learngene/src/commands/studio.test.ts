import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { run } from '../io.fixture.js'
import { sampleReport } from '../report/sample.fixture.js'
import { temporaryDirectory, writeRun } from '../run.fixture.js'

let root: string
beforeAll(async () => {
  root = await temporaryDirectory()
})
afterAll(() => rm(root, { recursive: true }))

/** A report whose descendants are those of the fixture's pool. */
function reportOfPool() {
  const report = sampleReport()
  const [row] = report.descendants
  const paths = ['s[0-1]', 'l[0-1]']
  return { ...report, descendants: paths.map((path, id) => ({ ...row!, id, path })) }
}

/** Ends a command as Ctrl-C does, once it has printed something. */
async function untilPrinted(argv: readonly string[], look: (printed: string) => Promise<void>) {
  const interruption = new AbortController()
  let printed = ''
  const { main } = await import('../main.js')
  const io = {
    stdout: {
      write(text: string) {
        printed += text
        look(printed).finally(() => interruption.abort())
      },
    },
    stderr: { write: (text: string) => expect(text).toBe('') },
    signal: interruption.signal,
    env: {},
  }
  return { code: await main(argv, io), printed }
}

describe('learngene studio', () => {
  it('serves the built-in family where no run is named, and ends on Ctrl-C without a failure', async () => {
    let name = ''
    const { code, printed } = await untilPrinted(['studio'], async (text) => {
      const [url] = /http:\S+/.exec(text)!
      name = ((await (await fetch(`${url}family/manifest.json`)).json()) as { name: string }).name
    })
    expect([code, name]).toEqual([0, 'Fashion-MNIST'])
    expect(printed).toMatch(/^studio: http:\/\/127\.0\.0\.1:\d+\/\nopen it in a browser; Ctrl-C ends it\n$/)
  })

  it("serves a run's family", async () => {
    const dir = join(root, 'mine')
    await writeRun(dir, reportOfPool())
    let family: { name: string; descendants: { path: string }[] } | undefined
    const { code } = await untilPrinted(['studio', dir, '--json'], async (text) => {
      family = (await (await fetch(`${JSON.parse(text).url}family/manifest.json`)).json()) as typeof family
    })
    expect(code).toBe(0)
    expect(family).toMatchObject({ name: 'mine', descendants: [{ path: 's[0-1]' }, { path: 'l[0-1]' }] })
  })

  it('writes the page as a folder', async () => {
    const dir = join(root, 'other')
    const page = join(root, 'page')
    await writeRun(dir, reportOfPool())
    const { code, stdout, stderr } = await run(['studio', dir, '--build', page])
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toBe(`page: ${page}, for any web server\n\nnext: npx learngene studio ${dir}\n`)
    expect(await readdir(page)).toEqual(expect.arrayContaining(['index.html', 'assets', 'family', 'sw.js']))
    expect(JSON.parse(await readFile(join(page, 'family', 'manifest.json'), 'utf8')).classes).toHaveLength(10)
    expect(JSON.parse((await run(['studio', '--build', page, '--json'])).stdout)).toEqual({ run: null, page })
  })

  it('refuses, in one line, what is no run, two runs, and folders of others', async () => {
    expect((await run(['studio', join(root, 'nothing')])).stderr).toContain(`there is no directory ${join(root, 'nothing')}`)
    expect((await run(['studio', 'a', '--run', 'b'])).stderr).toContain('studio takes one run; got a and --run b')
    expect((await run(['studio', '--port', '0'])).stderr).toContain('from 1 to 65535')
    const { code, stderr } = await run(['studio', '--build', join(root, 'mine')])
    expect(code).toBe(1)
    expect(stderr).toMatch(/^learngene: .*mine must be empty, new, or hold a page of the studio; it holds .*\n$/)
  })
})
