/** True for WebGPU adapters that compute on the CPU: SwiftShader, Mesa's llvmpipe, Windows' basic renderer. */
export const isSoftwareAdapter = ({ isFallbackAdapter, vendor, architecture, device, description }: Partial<GPUAdapterInfo>): boolean =>
  isFallbackAdapter === true ||
  /swiftshader|llvmpipe|lavapipe|software|basic render/i.test([vendor, architecture, device, description].join(' '))
