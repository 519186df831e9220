using System.Security.Cryptography;
using FerActors.Host.Configuration;
using FerActors.Shared.Files;
using FerActors.Shared.Options;
using FerActors.Shared.Protocol;
using Microsoft.Extensions.Logging;

namespace FerActors.Host.Http.Requests;

/// <summary>Knows the accepted keys by their hashes. The file is read again when it changes, so that a key can be withdrawn at once.</summary>
internal sealed class ApiKeyRing
{
    private const int MaxKeyLength = 512;
    private const int MaxFileBytes = 1024 * 1024;

    private static readonly TimeSpan LookAgain = TimeSpan.FromSeconds(1);

    private readonly string? _file;
    private readonly ApiKeyLine[] _fixed;
    private readonly ILogger _log;
    private readonly TimeProvider _time;
    private readonly Lock _lock = new();
    private ApiKeyLine[] _lines;
    private DateTime _written;
    private long _looked;

    /// <exception cref="ConfigurationException">The file cannot be read, or a line of it is wrong; it names the line, and shows none.</exception>
    public ApiKeyRing(ApiOptions options, ILogger log, TimeProvider time)
    {
        _file = options.KeysFile;
        _fixed = [.. options.KeyHashes.Select(text => ApiKeyLine.TryParse(text, out var line) ? line : throw new ConfigurationException(options.Validate()))];
        _log = log;
        _time = time;
        _looked = time.GetTimestamp();
        _lines = [.. _fixed, .. Read()];
    }

    /// <summary>The line of a key; absent where it is nobody's.</summary>
    public ApiKeyLine? Find(string? key)
    {
        if (key is null || key.Length > MaxKeyLength)
        {
            return null;
        }

        // Every hash is compared, and each in constant time, so that the time taken tells nothing about how near a guess came.
        var hash = ApiKeyLine.HashOf(key);
        ApiKeyLine? found = null;
        foreach (var line in Current())
        {
            if (CryptographicOperations.FixedTimeEquals(hash, line.Hash))
            {
                found = line;
            }
        }

        return found;
    }

    private ApiKeyLine[] Current()
    {
        if (_file is null)
        {
            return _lines;
        }

        lock (_lock)
        {
            if (_time.GetElapsedTime(_looked) >= LookAgain)
            {
                _looked = _time.GetTimestamp();
                try
                {
                    if (File.GetLastWriteTimeUtc(_file) != _written)
                    {
                        _lines = [.. _fixed, .. Read()];
                        _log.LogInformation("The file of API keys has changed: {Keys} keys are accepted", _lines.Length);
                    }
                }
                catch (Exception e) when (e is ConfigurationException or IOException or UnauthorizedAccessException)
                {
                    // A file that is being written, or was spoilt, must not open the API, nor close it for the keys known so far.
                    _log.LogError("The file of API keys cannot be read; the keys known so far stay: {Reason}", e.Message);
                }
            }

            return _lines;
        }
    }

    private List<ApiKeyLine> Read()
    {
        if (_file is null)
        {
            return [];
        }

        string[] text;
        try
        {
            _written = File.GetLastWriteTimeUtc(_file);
            if (new FileInfo(_file).Length > MaxFileBytes)
            {
                throw new ConfigurationException([$"Api:KeysFile '{_file}' has more than {MaxFileBytes} bytes."]);
            }

            text = RegularFile.ReadAllText(_file).ReplaceLineEndings("\n").Split('\n');
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ConfigurationException([$"Api:KeysFile cannot be read: {e.Message}"]);
        }

        var lines = new List<ApiKeyLine>();
        for (var i = 0; i < text.Length; i++)
        {
            var line = text[i].Trim();
            if (line.Length == 0 || line[0] == '#')
            {
                continue;
            }

            lines.Add(ApiKeyLine.TryParse(line, out var parsed)
                ? parsed
                : throw new ConfigurationException([$"Api:KeysFile, line {i + 1}: it is not NAME:SHA256 as fer api-key prints it."]));
        }

        return lines;
    }
}
