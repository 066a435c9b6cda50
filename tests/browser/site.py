"""A page of the server in a browser, what was asked for there and complained about, and how it reads."""

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from playwright.async_api import ConsoleMessage, Page

DEADLINE_MS = 60_000
CONTRAST_MIN = 4.5
"""WCAG 2.2, success criterion 1.4.3, for text of any size."""

FAINT_TEXT = """
least => {
  const light = text => {
    const [r, g, b] = text.match(/[\\d.]+/g).slice(0, 3).map(Number).map(part => {
      const share = part / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = element => {
    for (let each = element; each; each = each.parentElement) {
      const ground = getComputedStyle(each).backgroundColor;
      if (ground !== "rgba(0, 0, 0, 0)") return ground;
    }
    return "rgb(255, 255, 255)";
  };
  const ratio = element => {
    const both = [light(getComputedStyle(element).color), light(behind(element))];
    const [low, high] = both.sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  };
  const says = element => [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim());
  return [...document.body.querySelectorAll("*")]
    .filter(element => says(element) && element.checkVisibility() && ratio(element) < least)
    .map(element => `${element.tagName} ${element.className} ${ratio(element).toFixed(2)}`);
}
"""

NAMELESS = """
() => [...document.querySelectorAll("input:not([type=hidden]), select, textarea, button, a, audio")]
  .filter(element => !(element.labels?.length || element.innerText.trim() || element.ariaLabel))
  .map(element => element.outerHTML)
"""


@dataclass
class Seen:
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def listen(self, page: Page) -> None:
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(message.text)

    def hosts(self) -> set[str]:
        return {urlsplit(url).netloc for url in self.requests}


@dataclass
class Site:
    page: Page
    seen: Seen
    host: str

    async def check_page(self) -> None:
        """It fits the screen, can be read, has its landmarks, and every control has a name."""
        page = self.page
        assert await page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, page.url
        assert await page.evaluate(FAINT_TEXT, CONTRAST_MIN) == [], page.url
        assert await page.evaluate(NAMELESS) == [], page.url
        assert await page.locator("h1").count() == await page.get_by_role("main").count() == 1, page.url
