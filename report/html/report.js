/* Filters the findings by words and severity; without scripts the report is all there. */
(function () {
  "use strict";
  var form = document.getElementById("filter");
  if (!form) { return; } // nothing was found
  var words = document.getElementById("words");
  var status = document.getElementById("shown");
  var articles = Array.prototype.slice.call(document.querySelectorAll("article"));
  function apply() {
    var wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
    var shown = 0;
    articles.forEach(function (article) {
      var text = article.textContent.toLowerCase();
      var box = document.getElementById("show-" + article.dataset.severity);
      var fits = (!box || box.checked) && wanted.every(function (word) { return text.indexOf(word) >= 0; });
      article.hidden = !fits;
      document.getElementById("entry-" + article.id).hidden = !fits;
      shown += fits ? 1 : 0;
    });
    status.textContent = shown + " of " + articles.length + " shown";
  }
  form.hidden = false;
  form.addEventListener("input", apply);
  form.addEventListener("submit", function (event) { event.preventDefault(); });
  document.addEventListener("keydown", function (event) {
    if (event.key === "/" && document.activeElement !== words) {
      event.preventDefault();
      words.focus();
    }
  });
  apply();
}());
