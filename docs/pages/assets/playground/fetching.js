/** Fetches a file beside a module; the error of one that does not come names it. */
export async function get(file, module) {
  const response = await fetch(new URL(file, module)).catch(() => null);
  if (!response?.ok) throw new Error(`The file ${file} could not be downloaded` + (response ? ` (error ${response.status})` : ""));
  return response;
}
