using System.Text.Json;
using FerActors.Host.Http.Requests;
using FerActors.Shared.Protocol;

namespace FerActors.Host.Http.OpenInference;

/// <summary>A value of a request's JSON and what a sentence calls it, so that each wrong kind has its own sentence. A null is as good as absent.</summary>
/// <param name="Value">The value.</param>
/// <param name="Name">What it is called, such as <c>the member 'shape'</c>.</param>
internal sealed record JsonMember(JsonElement Value, string Name)
{
    /// <summary>A refusal of the whole request.</summary>
    public static ApiException Invalid(string why) => new(ApiCodes.InvalidRequest, $"The request cannot be used: {why}.");

    /// <summary>A member of this object; <see langword="null"/> where it is absent or null.</summary>
    public JsonMember? Member(string name)
    {
        if (Value.ValueKind != JsonValueKind.Object)
        {
            throw Invalid($"{Name} is not an object");
        }

        return Value.TryGetProperty(name, out var member) && member.ValueKind != JsonValueKind.Null ? new JsonMember(member, $"the member '{name}'") : null;
    }

    /// <summary>A member that is an object.</summary>
    public JsonMember? Object(string name) => Member(name) switch
    {
        null => null,
        { Value.ValueKind: JsonValueKind.Object } member => member,
        var member => throw Invalid($"{member.Name} is not an object"),
    };

    /// <summary>The elements of a member that is an array.</summary>
    /// <param name="name">The member.</param>
    /// <param name="most">Elements that it may have, so that a stranger's long array costs nothing.</param>
    public IReadOnlyList<JsonMember>? Array(string name, int most)
    {
        if (Member(name) is not { } member)
        {
            return null;
        }

        if (member.Value.ValueKind != JsonValueKind.Array)
        {
            throw Invalid($"{member.Name} is not an array");
        }

        return member.Value.GetArrayLength() <= most
            ? [.. member.Value.EnumerateArray().Select(element => new JsonMember(element, $"an element of '{name}'"))]
            : throw Invalid($"{member.Name} has more than {most} elements");
    }

    /// <summary>A member that is a text.</summary>
    public string? Text(string name) => Member(name)?.Text();

    /// <summary>The client's id: a text, or a number that is given back as a text.</summary>
    public string? Id() => Member("id") switch
    {
        null => null,
        { Value.ValueKind: JsonValueKind.Number } number => number.Value.GetRawText(),
        var text => text.Text(),
    };

    /// <summary>This text.</summary>
    /// <exception cref="InvalidOperationException">It holds half a surrogate pair.</exception>
    public string Text() => Value.ValueKind == JsonValueKind.String ? Value.GetString()! : throw Invalid($"{Name} is not a string");

    /// <summary>This number, which may be written with a fraction of zero, as Python writes what went through a float.</summary>
    public long Whole()
    {
        if (Value.ValueKind == JsonValueKind.Number)
        {
            if (Value.TryGetInt64(out var whole))
            {
                return whole;
            }

            if (Value.TryGetDouble(out var number) && Math.Abs(number) <= int.MaxValue && number == Math.Truncate(number))
            {
                return (long)number;
            }
        }

        throw Invalid($"{Name} is not a whole number, or too large");
    }

    /// <summary>This true or false.</summary>
    public bool Truth() => Value.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => throw Invalid($"{Name} is neither true nor false"),
    };

    /// <summary>This text, number, true or false, as a text.</summary>
    public string Scalar() => Value.ValueKind switch
    {
        JsonValueKind.True => "true",
        JsonValueKind.False => "false",
        JsonValueKind.Number => Value.GetRawText(),
        _ => Text(),
    };
}
