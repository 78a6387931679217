// A command line for the libraries of NuGet 7.6: it calls what `dotnet nuget push`, `dotnet nuget delete`,
// `dotnet restore` and `dotnet package search` call, in the way in which they do.
//
//   nuget7 push FILE... | delete ID VERSION | restore DGSPEC | search TEXT | autocomplete PREFIX
//          | metadata ID | versions ID | download ID VERSION FILE | vulnerabilities
//          --source NAME [--api-key KEY] [--OPTION [VALUE]]...
//
// NAME is a source of the NuGet.Config of the current folder.
using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using NuGet.Commands;
using NuGet.Common;
using NuGet.Configuration;
using NuGet.Credentials;
using NuGet.ProjectModel;
using NuGet.Protocol;
using NuGet.Protocol.Core.Types;
using NuGet.Versioning;

class Output : LoggerBase {
    public override void Log(ILogMessage message) {
        if (message.Level >= LogLevel.Information) {
            Console.WriteLine(message.Level.ToString().ToLower() + ": " + message.Message);
        }
    }

    public override Task LogAsync(ILogMessage message) {
        Log(message);
        return Task.CompletedTask;
    }
}

class Nuget7 {
    static readonly Dictionary<string, string> options = new Dictionary<string, string>();
    static readonly List<string> words = new List<string>();
    static readonly Output output = new Output();
    static readonly SourceCacheContext cache = new SourceCacheContext { NoCache = true };
    static readonly CancellationToken never = CancellationToken.None;
    static ISettings settings;
    static PackageSourceProvider sources;

    static string Option(string name) {
        options.TryGetValue(name, out var value);
        return value;
    }

    static bool Has(string name) {
        return options.ContainsKey(name);
    }

    static async Task<T> Resource<T>() where T : class, INuGetResource {
        var name = Option("source");
        var source = sources.LoadPackageSources().First(one => one.Name == name);
        var resource = await Repository.Factory.GetCoreV3(source).GetResourceAsync<T>(never);
        return resource ?? throw new InvalidOperationException("the source has no " + typeof(T).Name);
    }

    static void Parse(string[] arguments) {
        for (var at = 0; at < arguments.Length; at++) {
            if (!arguments[at].StartsWith("--")) {
                words.Add(arguments[at]);
            } else if (at + 1 < arguments.Length && !arguments[at + 1].StartsWith("--")) {
                options[arguments[at].Substring(2)] = arguments[++at];
            } else {
                options[arguments[at].Substring(2)] = "";
            }
        }
    }

    static async Task<int> Main(string[] arguments) {
        Parse(arguments);
        settings = Settings.LoadDefaultSettings(Directory.GetCurrentDirectory());
        sources = new PackageSourceProvider(settings);
        UserAgent.SetUserAgentString(new UserAgentStringBuilder("NuGet xplat"));
        DefaultCredentialServiceUtility.SetupDefaultCredentialService(output, nonInteractive: true);
        try {
            return await Run();
        } catch (Exception error) {
            for (var cause = error; cause != null; cause = cause.InnerException) {
                Console.WriteLine("error: " + cause.Message);
            }
            return 1;
        }
    }

    static async Task<int> Run() {
        switch (words[0]) {
            case "push":
                await PushRunner.Run(
                    settings, sources, words.Skip(1).ToList(), Option("source"), Option("api-key"),
                    null, null, 300, false, Has("no-symbols"), false, Has("skip-duplicate"), false, output);
                return 0;
            case "delete":
                await DeleteRunner.Run(
                    settings, sources, words[1], words[2], Option("source"), Option("api-key"),
                    true, false, _ => true, output);
                return 0;
            case "restore":
                return await Restore(words[1]);
            case "search":
                await Search(words[1]);
                return 0;
            case "autocomplete":
                var completion = await Resource<AutoCompleteResource>();
                foreach (var id in await completion.IdStartsWith(words[1], Has("prerelease"), output, never)) {
                    Console.WriteLine(id);
                }
                return 0;
            case "metadata":
                await Metadata(words[1]);
                return 0;
            case "versions":
                var found = await Resource<FindPackageByIdResource>();
                foreach (var version in await found.GetAllVersionsAsync(words[1], cache, output, never)) {
                    Console.WriteLine(version.ToFullString());
                }
                return 0;
            case "download":
                var packages = await Resource<FindPackageByIdResource>();
                using (var file = File.Create(words[3])) {
                    var version = NuGetVersion.Parse(words[2]);
                    return await packages.CopyNupkgToStreamAsync(words[1], version, file, cache, output, never)
                        ? 0 : 1;
                }
            case "vulnerabilities":
                await Vulnerabilities();
                return 0;
            default:
                Console.WriteLine("error: there is no command " + words[0]);
                return 2;
        }
    }

    static async Task<int> Restore(string file) {
        var graph = DependencyGraphSpec.Load(file);
        var requests = new DependencyGraphSpecRequestProvider(new RestoreCommandProvidersCache(), graph);
        var results = await RestoreRunner.RunAsync(new RestoreArgs {
            CacheContext = cache,
            PreLoadedRequestProviders = new List<IPreLoadedRestoreRequestProvider> { requests },
            Log = output,
            MachineWideSettings = new XPlatMachineWideSetting(),
            AllowNoOp = false,
        }, never);
        return results.All(result => result.Success) ? 0 : 1;
    }

    static async Task Search(string text) {
        var filter = new SearchFilter(Has("prerelease"));
        if (Has("type")) {
            filter.PackageTypes = new[] { Option("type") };
        }
        var search = await Resource<PackageSearchResource>();
        foreach (var package in await search.SearchAsync(text, filter, 0, 20, output, never)) {
            var versions = (await package.GetVersionsAsync()).Select(one => one.Version.ToFullString());
            Console.WriteLine(
                package.Identity.Id + " " + package.Identity.Version.ToFullString()
                + " downloads=" + package.DownloadCount + " versions=" + string.Join(",", versions));
        }
    }

    static async Task Metadata(string id) {
        var resource = await Resource<PackageMetadataResource>();
        foreach (var package in await resource.GetMetadataAsync(id, true, Has("unlisted"), cache, output, never)) {
            var groups = package.DependencySets.Select(group =>
                group.TargetFramework.GetShortFolderName() + ":" + string.Join(",", group.Packages));
            Console.WriteLine(
                package.Identity.Id + " " + package.Identity.Version.ToFullString()
                + " listed=" + package.IsListed + " dependencies=" + string.Join(";", groups)
                + " license=" + package.LicenseMetadata?.License + " icon=" + package.IconUrl
                + " readme=" + package.ReadmeUrl + " published=" + package.Published?.ToString("s"));
        }
    }

    static async Task Vulnerabilities() {
        var resource = await Resource<IVulnerabilityInfoResource>();
        var result = await resource.GetVulnerabilityInfoAsync(cache, output, never);
        if (result.Exceptions != null) {
            throw result.Exceptions;
        }
        Console.WriteLine("pages=" + result.KnownVulnerabilities.Count
            + " packages=" + result.KnownVulnerabilities.Sum(page => page.Count()));
    }
}
