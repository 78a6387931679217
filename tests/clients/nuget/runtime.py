"""Makes a .NET runtime out of a program that brings one along.

runtime.py PROGRAM RUNTIME: PROGRAM is the folder of a self-contained program, RUNTIME the folder that
`dotnet` looks for runtimes in; the `dotnet` itself is not in such a program.
"""

import glob
import json
import os
import shutil
import sys

program, runtime = sys.argv[1:]


def document(ending):
    (path,) = glob.glob(os.path.join(program, "*" + ending))
    with open(path) as file:
        return json.load(file)


included = document(".runtimeconfig.json")["runtimeOptions"]["includedFrameworks"]
(version,) = [of["version"] for of in included if of["name"] == "Microsoft.NETCore.App"]
dependencies = document(".deps.json")
target = dependencies["runtimeTarget"]["name"]
(pack,) = [
    files
    for name, files in dependencies["targets"][target].items()
    if name.startswith("runtimepack.Microsoft.NETCore.App")
]
framework = os.path.join(runtime, "shared/Microsoft.NETCore.App", version)
resolver = os.path.join(runtime, "host/fxr", version)
os.makedirs(framework)
os.makedirs(resolver)
for name in [*pack["runtime"], *pack["native"]]:
    shutil.copy2(os.path.join(program, name), framework)
shutil.copy2(os.path.join(program, "libhostpolicy.so"), framework)
shutil.copy2(os.path.join(program, "libhostfxr.so"), resolver)

library = "Microsoft.NETCore.App.Runtime.linux-x64/" + version
own = {
    kind: {os.path.basename(name): about for name, about in pack[kind].items()}
    for kind in ("runtime", "native")
}
manifest = {
    "runtimeTarget": {"name": target, "signature": ""},
    "compilationOptions": {},
    "targets": {target.split("/")[0]: {}, target: {library: own}},
    "libraries": {library: {"type": "package", "serviceable": True, "sha512": ""}},
}
with open(os.path.join(framework, "Microsoft.NETCore.App.deps.json"), "w") as file:
    json.dump(manifest, file)
