// Each drawing is [ink, width, height, factor, top, left]: so many times enlarged, and moved.
async ([folder, drawings]) => {
  const { toMnist } = await import(folder + "preprocess.js");
  return drawings.map(([text, width, height, factor, top, left]) => {
    const ink = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
    const [rows, cols] = [top + height * factor, left + width * factor];
    const canvas = new Uint8Array(rows * cols);
    for (let y = top; y < rows; y++) {
      for (let x = left; x < cols; x++) {
        const at = Math.floor((y - top) / factor) * width + Math.floor((x - left) / factor);
        canvas[y * cols + x] = ink[at];
      }
    }
    const pixels = toMnist(canvas, cols, rows);
    return pixels && Array.from(pixels);
  });
};
