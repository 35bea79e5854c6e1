/** Pictures drawn from a seed: things in a landscape, and where they are. */

export function random(seed) {
  let state = seed * 2654435761;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const THINGS = {
  cat(c, fur) {
    c.fillStyle = fur;
    c.beginPath();
    c.ellipse(0, 0.42, 0.34, 0.5, 0, 0, 7);
    c.fill();
    c.beginPath();
    c.ellipse(0, -0.25, 0.3, 0.27, 0, 0, 7);
    c.moveTo(-0.29, -0.3);
    c.lineTo(-0.26, -0.72);
    c.lineTo(-0.03, -0.46);
    c.moveTo(0.29, -0.3);
    c.lineTo(0.26, -0.72);
    c.lineTo(0.03, -0.46);
    c.fill();
    c.fillStyle = "#d7e07a";
    for (const x of [-0.12, 0.12]) {
      c.beginPath();
      c.ellipse(x, -0.28, 0.06, 0.045, 0, 0, 7);
      c.fill();
    }
    c.fillStyle = "#1a1512";
    for (const x of [-0.12, 0.12]) c.fillRect(x - 0.013, -0.32, 0.026, 0.08);
    c.fillRect(-0.03, -0.19, 0.06, 0.035);
  },
  cup(c, glaze) {
    c.strokeStyle = glaze;
    c.lineWidth = 0.11;
    c.beginPath();
    c.ellipse(0.46, 0.05, 0.2, 0.24, 0, 0, 7);
    c.stroke();
    c.fillStyle = glaze;
    c.beginPath();
    c.moveTo(-0.45, -0.4);
    c.lineTo(0.45, -0.4);
    c.quadraticCurveTo(0.44, 0.6, 0.2, 0.6);
    c.lineTo(-0.2, 0.6);
    c.quadraticCurveTo(-0.44, 0.6, -0.45, -0.4);
    c.fill();
    c.fillStyle = "#3b2418";
    c.beginPath();
    c.ellipse(0, -0.4, 0.45, 0.11, 0, 0, 7);
    c.fill();
  },
  rocket(c, skin) {
    c.fillStyle = "#d8552f";
    c.beginPath();
    c.moveTo(-0.2, 0.5);
    c.lineTo(-0.45, 0.78);
    c.lineTo(0.45, 0.78);
    c.lineTo(0.2, 0.5);
    c.fill();
    c.fillStyle = skin;
    c.beginPath();
    c.moveTo(0, -0.95);
    c.quadraticCurveTo(0.42, -0.3, 0.22, 0.62);
    c.lineTo(-0.22, 0.62);
    c.quadraticCurveTo(-0.42, -0.3, 0, -0.95);
    c.fill();
    c.fillStyle = "#385c80";
    c.beginPath();
    c.arc(0, -0.25, 0.11, 0, 7);
    c.fill();
  },
};
const NAMES = Object.keys(THINGS);
const COATS = {
  cat: ["#6d5138", "#3c3a3d", "#b27843"],
  cup: ["#e8e3d8", "#5d8fa8", "#b5485a"],
  rocket: ["#eceff2", "#c9d0d6", "#dfe5d8"],
};

function landscape(c, size, dice) {
  const hue = 190 + dice() * 50;
  const sky = c.createLinearGradient(0, 0, 0, size * 0.6);
  sky.addColorStop(0, `hsl(${hue} 45% 52%)`);
  sky.addColorStop(1, `hsl(${hue - 20} 40% 84%)`);
  c.fillStyle = sky;
  c.fillRect(0, 0, size, size);
  for (let ridge = 0; ridge < 3; ridge++) {
    c.fillStyle = `hsl(${95 + dice() * 45} ${18 + ridge * 8}% ${52 - ridge * 11}%)`;
    c.beginPath();
    c.moveTo(0, size);
    const [a, b] = [dice() * 6, dice() * 4 + 2];
    for (let x = 0; x <= size; x += 8) {
      c.lineTo(x, size * (0.45 + ridge * 0.14 + 0.05 * Math.sin(a + (b * x) / size) + 0.012 * Math.sin(x / 9 + a)));
    }
    c.lineTo(size, size);
    c.fill();
  }
}

function grain(c, size, dice) {
  const pixels = c.getImageData(0, 0, size, size);
  for (let i = 0; i < pixels.data.length; i += 4) {
    const noise = (dice() + dice() - 1) * 26;
    const x = (i / 4) % size;
    const y = Math.floor(i / 4 / size);
    const edge = 1 - 0.35 * ((x / size - 0.5) ** 2 + (y / size - 0.5) ** 2) * 2;
    for (let k = 0; k < 3; k++) pixels.data[i + k] = pixels.data[i + k] * edge + noise;
  }
  c.putImageData(pixels, 0, 0);
}

/** A picture as the kernel would encode it, and its things: name, centre and radius in fractions. */
export async function scene(index, size = 320) {
  const dice = random(index + 11);
  const canvas = new OffscreenCanvas(size, size);
  const c = canvas.getContext("2d");
  landscape(c, size, dice);
  const things = [0, 1].slice(0, index % 4 === 3 ? 1 : 2).map((k) => {
    const name = NAMES[(index + k) % NAMES.length];
    return {
      name,
      x: 0.27 + 0.44 * k + 0.1 * (dice() - 0.5),
      y: 0.6 + 0.14 * (dice() - 0.5),
      r: 0.2 + 0.06 * dice(),
    };
  });
  for (const { name, x, y, r } of things) {
    c.save();
    c.translate(x * size, y * size);
    c.rotate((dice() - 0.5) * 0.5);
    c.scale(r * size, r * size);
    c.shadowColor = "rgb(0 0 0 / 0.45)";
    c.shadowBlur = 18;
    c.shadowOffsetY = 6;
    THINGS[name](c, COATS[name][Math.floor(dice() * 3)]);
    c.restore();
  }
  c.filter = "blur(0.6px)";
  c.drawImage(canvas, 0, 0);
  grain(c, size, dice);
  const blob = await canvas.convertToBlob({ type: "image/jpeg", quality: 0.9 });
  const data = new DataView(await blob.arrayBuffer());
  const picture = {
    name: `scene-${index + 1}.jpg`,
    width: size,
    height: size,
    box: [0, 0, 1, 1],
    mime: "image/jpeg",
    data,
  };
  return { picture, things };
}
