using FerActors.Vision.Safetensors;

namespace FerActors.Vision.Tests.Safetensors;

public sealed class SafetensorsDTypeSpecs
{
    [Fact]
    public void Every_type_has_a_name_that_leads_back_to_it()
    {
        Assert.Equal(Enum.GetValues<SafetensorsDType>(), SafetensorsDTypes.All);
        foreach (var dtype in SafetensorsDTypes.All)
        {
            Assert.True(SafetensorsDTypes.TryParse(dtype.FormatName(), out var parsed));
            Assert.Equal(dtype, parsed);
        }
    }

    [Fact]
    public void Types_of_whole_bytes_stand_in_the_order_of_their_size()
    {
        var sizes = SafetensorsDTypes.All.Select(dtype => dtype.BitSize()).Where(bits => bits >= 8).ToList();
        Assert.Equal(sizes.Order(), sizes);
    }

    [Fact]
    public void An_unknown_name_or_value_is_refused()
    {
        Assert.False(SafetensorsDTypes.TryParse("F128", out _));
        Assert.False(SafetensorsDTypes.TryParse(null, out _));
        Assert.Throws<ArgumentOutOfRangeException>(() => ((SafetensorsDType)99).BitSize());
        Assert.Throws<ArgumentOutOfRangeException>(() => ((SafetensorsDType)(-1)).FormatName());
    }
}
