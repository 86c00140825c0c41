import { bytes } from './format.js'
import { backend, loaded, manifest, offline, ready } from './state.js'
import { tierStyle } from './tiers.js'

export function Header() {
  return (
    <header class="head">
      <div class="title">
        <p class="mark">Learngene studio</p>
        <h1>One network, every size.</h1>
        <p class="lead">
          Move the slider: the same picture goes through a smaller or larger member of one family, at once, on this device.
        </p>
      </div>
      <dl class="status">
        <div>
          <dt>Runs on</dt>
          <dd title={backend.value?.why}>{backendText()}</dd>
        </div>
        <div>
          <dt>Family</dt>
          <dd>
            <Loading />
          </dd>
        </div>
        <div>
          <dt>Private</dt>
          <dd>Nothing leaves this device. {offlineText()}</dd>
        </div>
      </dl>
    </header>
  )
}

function backendText() {
  const state = backend.value
  if (!state) return 'starting'
  const { name, why, device, again } = state
  const what = name === 'webgpu' ? `WebGPU${device ? `, ${device}` : ''}` : 'wasm, one thread'
  if (again) return `${what}, started anew: the GPU was lost`
  return name === 'wasm' && why ? `${what}: ${why.replace(/:.*$/, '')}` : what
}

const offlineText = () => ({ no: '', keeping: 'Keeping it for use offline.', kept: 'Kept: works offline.' })[offline.value]

/** Bytes by tier, the smallest first. */
function Loading() {
  const family = manifest.value
  const tiers = family?.tiers ?? []
  const total = tiers.reduce((sum, tier) => sum + tier.bytes, 0)
  const come = tiers.reduce((sum, { name }) => sum + (loaded.value[name] ?? 0), 0)
  const here = ready.value.length
  const text = family ? `${family.name}: ${here} of ${tiers.length} tiers, ${bytes(come)} of ${bytes(total)}, ${family.weights}` : 'loading'
  return (
    <>
      <span
        class="loading"
        role="progressbar"
        aria-label="weights loaded"
        aria-valuemin={0}
        aria-valuemax={total || 1}
        aria-valuenow={come}
        aria-valuetext={text}
      >
        {tiers.map(({ name, bytes: size }, i) => (
          <span
            key={name}
            class="tier"
            style={{ ...tierStyle(i, tiers.length), flexGrow: Math.sqrt(size), '--come': (loaded.value[name] ?? 0) / size }}
          />
        ))}
      </span>
      <span class="figures">{text}</span>
    </>
  )
}
