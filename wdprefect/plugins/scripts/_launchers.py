"""Programs that run a script as though its file lay in the working directory, where nothing of ours is.

Each is called with the script's path and its place there. Line numbers in errors are those of the script. Imports are
looked up from the place on, because Kestra writes the file there; programs that go by the current directory, such as
Rscript, need none.
"""

from __future__ import annotations

# The words of JSON are there, of which rendered expressions are full. `__file__` is the real file: processes that
# multiprocessing starts read it.
PYTHON = """\
import builtins, os, sys
builtins.true, builtins.false, builtins.null = True, False, None
__file__ = sys.argv[1]
sys.path[0] = os.path.dirname(sys.argv[2])
sys.argv[:3] = [__file__]
with open(__file__, "rb") as file:
    code = compile(file.read(), __file__, "exec")
del builtins, os, sys, file
exec(globals().pop("code"))
"""

# A script with import, export, or await at its top is a module; Node itself finds that out by the error, too.
NODE = """\
const fs = require("fs"), Module = require("module"), path = require("path"), url = require("url"), vm = require("vm");
const [, , script, place] = process.argv;
process.argv.splice(1, 3, place);
const source = fs.readFileSync(script, "utf8");
const text = source.replace(/^#!.*/, "");
const foreign = /import statement outside|Unexpected token 'export'|'import.meta' outside/;

function compiles(text) {
  try {
    new vm.Script(text, { filename: place });
    return true;
  } catch (error) {
    return foreign.test(error.message) ? undefined : false;
  }
}

function isModule() {
  const alone = compiles(Module.wrap(text));
  // `await` at the top is no syntax of a script; around it stands what makes it one.
  return Module.register && (alone === undefined || (alone === false && compiles(`(async () => {${text}\\n})`)));
}

if (!isModule()) {
  const main = new Module(place, null);
  main.id = ".";
  main.filename = place;
  main.paths = Module._nodeModulePaths(path.dirname(place));
  process.mainModule = Module._cache[place] = main;
  main._compile(text, place);
  main.loaded = true;
} else {
  const here = JSON.stringify(url.pathToFileURL(place).href);
  const found = `{ url: ${here}, format: "module", shortCircuit: true }`;
  const loaded = `{ format: "module", source: ${JSON.stringify(source)}, shortCircuit: true }`;
  const hooks =
    `export const resolve = async (name, context, next) => (name === ${here} ? ${found} : next(name, context));` +
    `export const load = async (name, context, next) => (name === ${here} ? ${loaded} : next(name, context));`;
  Module.register("data:text/javascript," + encodeURIComponent(hooks));
  import(url.pathToFileURL(place).href);
}
"""

# `DATA` holds what follows `__END__`, as in a file that Ruby runs itself.
RUBY = """\
eval(*-> {
  script, place = ARGV.shift(2)
  source = File.read(script, encoding: "UTF-8")
  if (found = source.match(/^__END__\\r?\\n/))
    data = File.open(script)
    data.seek(found.pre_match.bytesize + found[0].bytesize)
    Object.const_set(:DATA, data)
    source = found.pre_match
  end
  $0 = place
  [source, TOPLEVEL_BINDING, place, 1]
}.call)
"""

# Go's own way to put a file where there is none.
GO = '{"Replace": {<place>: <script>}}'
