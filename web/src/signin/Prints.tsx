/** The picture beside the form: one landscape, printed twice, by day in one region and by night in the other. */

interface Light {
  id: string
  sun: string
  sky: string[]
  /** From the farthest to the nearest, each from its crest, where the light is, down into the mist. */
  hills: string[][]
}

const HILLS = [
  'M0 178c22-6 34-26 58-30 22-4 30 24 50 22 24-2 34-50 60-54 24-3 36 46 62 52 22 5 30-20 52-18 26 2 34 34 58 32 24-2 34-34 60-40v158H0z',
  'M0 214c44-22 74-40 112-34 46 8 66 42 116 40 56-2 84-56 172-54v134H0z',
  'M0 250c52-30 96-30 146-14 62 20 98 22 150 2 38-14 70-20 104-14v76H0z',
  'M0 276c70-22 134-16 204-2s136 8 196-12v38H0z',
]

const DAY: Light = {
  id: 'day',
  sun: '#fff7e6',
  sky: ['#ee9f5e', '#f4c894', '#fbead0'],
  hills: [
    ['#dd9a70', '#eec6a0'],
    ['#c06c40', '#dc9b70'],
    ['#8d3f24', '#b4633d'],
    ['#4c2116', '#6d3320'],
  ],
}

const NIGHT: Light = {
  id: 'night',
  sun: '#f2f4ff',
  sky: ['#0d1530', '#22376b', '#6d84b9'],
  hills: [
    ['#4d66a1', '#7188bd'],
    ['#2c447f', '#4a63a0'],
    ['#182957', '#2a4079'],
    ['#0a1231', '#142149'],
  ],
}

export function Prints({ labels }: { labels: string[] }) {
  return (
    <div className="prints">
      <Print light={NIGHT} label={labels[1] ?? ''} />
      <Print light={DAY} label={labels[0] ?? ''} />
    </div>
  )
}

const Print = ({ light, label }: { light: Light; label: string }) => {
  const { id, sky, sun } = light
  return (
    <figure className={`print ${id}`}>
      <svg viewBox="0 0 400 300" preserveAspectRatio="xMidYMid slice">
        <Fade id={`${id}-sky`} colours={sky} />
        <radialGradient id={`${id}-glow`}>
          <stop stopColor={sun} stopOpacity=".75" />
          <stop offset="1" stopColor={sun} stopOpacity="0" />
        </radialGradient>
        <rect width="400" height="300" fill={`url(#${id}-sky)`} />
        <circle cx="262" cy="104" r="105" fill={`url(#${id}-glow)`} />
        <circle cx="262" cy="104" r="29" fill={sun} />
        {HILLS.map((path, i) => (
          <Hill key={path} id={`${id}-${i}`} path={path} colours={light.hills[i] ?? []} />
        ))}
      </svg>
      <figcaption>{label}</figcaption>
    </figure>
  )
}

const Hill = ({ id, path, colours }: { id: string; path: string; colours: string[] }) => (
  <>
    <Fade id={id} colours={colours} />
    <path d={path} fill={`url(#${id})`} />
  </>
)

const Fade = ({ id, colours }: { id: string; colours: string[] }) => (
  <linearGradient id={id} x1="0" y1="0" x2="0" y2="1">
    {colours.map((colour, i) => (
      <stop key={colour} offset={i / (colours.length - 1)} stopColor={colour} />
    ))}
  </linearGradient>
)
